#include "sluice/cascade/engine.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/cascade/bundle_stage.h"
#include "sluice/cascade/engine_parts.h"
#include "sluice/cascade/resilience/forest_call.h"
#include "sluice/cascade/resilience/network_call.h"

namespace sluice::cascade {
namespace {

rules::ModelOutputs known(double now) { return {.now = now}; }
rules::ModelOutputs known(const Decision& d, double now) {
  return {d.forest.p, d.network.p, d.p_final, d.forest.margin, d.network.margin, now};
}

BreakerOptions breaker_options(const BreakerPolicy& policy) {
  return {.window_us = policy.window_ms * 1000,
          .min_calls = static_cast<std::uint32_t>(policy.min_calls),
          .failure_rate = policy.failure_rate,
          .open_us = policy.open_ms * 1000,
          .max_open_us = policy.open_ms * 32'000};
}

GateOptions gate_options(const LoadPolicy& policy, std::int64_t limit) {
  return {.limit = limit,
          .normal_share = policy.normal_share,
          .low_share = policy.low_share,
          .resume_share = policy.resume_share};
}

}  // namespace

Engine::Gates::Gates(const LoadPolicy& policy)
    : decisions(gate_options(policy, policy.max_in_flight)), network(gate_options(policy, policy.network_in_flight)) {}

Engine::Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options)
    : bundle_(std::move(bundle)),
      network_breaker_(std::move(options.network_breaker)),
      ledger_(options.ledger ? std::move(options.ledger) : std::make_shared<Ledger>()),
      gates_(std::make_unique<Gates>(bundle_->policy.load)),
      timings_(options.timings) {
  bundle_->check_policy_fits();
  const BreakerOptions of_policy = breaker_options(bundle_->policy.breaker);
  const std::size_t n_columns = bundle_->schema.size();
  if (!options.forest) options.forest = make_bundle_forest(*bundle_);
  if (!options.forest_breaker) options.forest_breaker = std::make_shared<Breaker>(of_policy);
  forest_ = std::make_unique<ForestCall>(std::move(options.forest), std::move(options.forest_breaker),
                                         of_policy.window_us, n_columns);
  if (!network_breaker_) network_breaker_ = std::make_shared<Breaker>(of_policy);
  if (!options.network) options.network = make_bundle_stage(*bundle_, bundle_->policy.network.device);
  if (options.network)
    network_ = std::make_unique<NetworkCall>(std::move(options.network), network_breaker_, n_columns);
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

std::vector<std::string> Engine::warnings() const {
  std::vector<std::string> out = bundle_->warnings();
  for (const std::string& warning : forest_stage().warnings()) out.push_back("forest: " + warning);
  return out;
}

const ForestStage& Engine::forest_stage() const { return forest_->stage(); }
const NetworkStage* Engine::network_stage() const { return network_ ? &network_->stage() : nullptr; }
Breaker& Engine::forest_breaker() const { return forest_->breaker(); }

Decision Engine::decide(const Request& asked) const {
  check_width(asked.row);
  const Request request = with_deadline(asked);
  ledger_->arrive();
  const Decision d = decide_checked(request);
  ledger_->decide(d, request.deadline.has_passed());
  return d;
}

Decision Engine::decide_unrecorded(const Request& request) const {
  check_width(request.row);
  return decide_checked(with_deadline(request));
}

void Engine::check_width(RowView row) const {
  if (row.size() != bundle_->schema.size())
    throw Error("shape", "a row has " + std::to_string(bundle_->schema.size()) +
                             " columns in this bundle's schema, not " + std::to_string(row.size()));
}

Request Engine::with_deadline(Request request) const {
  if (request.deadline.is_none() && bundle_->policy.deadline_us > 0)
    request.deadline = Deadline::in(std::chrono::microseconds(bundle_->policy.deadline_us));
  return request;
}

Decision Engine::decide_checked(const Request& request) const {
  Decision d;
  {
    const Stopwatch watch(timings_, d.timings_us.total);
    run_stages(request, d);
  }
  return d;
}

void Engine::run_stages(const Request& request, Decision& d) const {
  const double now = seconds_of(request.now_us);
  if (apply_pre_rules(request.row, now, d)) return;  // a knock-out before any model
  const Gate::Pass pass = gates_->decisions.enter(request.priority);
  PrefixMargins staged;
  const Cause cause = pass ? score_forest(request, staged, d) : Cause::forest_shed;
  if (!take_forest(cause, staged, d)) return decide_without_models(request.row, now, d);  // L2, then L3
  record_route(bundle_->forwarding(request.row, staged, d.forest.p), d);
  if (d.in_band) refine(request, staged, d);  // on trouble: L1 and its cause
  apply_cutoffs(d);
  apply_post_rules(request.row, now, d);
}

bool Engine::apply_pre_rules(RowView row, double now, Decision& d) const {
  if (!bundle_->pre) return false;
  bundle_->pre->evaluate(row, known(now), d.pre);
  if (d.pre.undecided) return fall_to_default(Cause::rules_undecided, d), true;
  if (d.pre.action == Action::none) return false;
  d.take(Stage::pre_rules);
  d.action = d.pre.action;
  return true;
}

Cause Engine::score_forest(const Request& request, PrefixMargins& staged, Decision& d) const {
  const Stopwatch watch(timings_, d.timings_us.forest);
  return forest_->score(request.row, request.deadline, staged);
}

bool Engine::take_forest(Cause cause, const PrefixMargins& staged, Decision& d) const {
  if (cause == Cause::none && !std::isfinite(staged.back())) cause = Cause::forest_not_finite;
  if (cause != Cause::none) return degrade_to(Level::L2, cause, d), false;
  d.forest = {staged.back(), bundle_->calibration.forest.probability(staged.back()), true};
  d.p_final = d.forest.p;
  d.take(Stage::forest);
  return true;
}

void Engine::take_network(float margin, const DeviceName& device, Decision& d) const {
  if (!std::isfinite(margin)) return degrade_to(Level::L1, Cause::network_not_finite, d);
  d.network = {margin, bundle_->calibration.network.probability(margin), true};
  d.device = device;
  d.p_final = d.network.p;
  d.take(Stage::network);
}

void Engine::apply_cutoffs(Decision& d) const {
  const Policy& policy = bundle_->policy;
  d.action = (d.level == Level::L0 ? policy.level0 : policy.level1).decide(d.p_final);
}

void Engine::apply_post_rules(RowView row, double now, Decision& d) const {
  if (!bundle_->post) return;
  bundle_->post->evaluate(row, known(d, now), d.post);
  if (d.post.undecided) return fall_to_default(Cause::rules_undecided, d);
  if (d.post.action == Action::none) return;
  d.take(Stage::post_rules);
  d.action = d.post.action;
}

void Engine::decide_without_models(RowView row, double now, Decision& d) const {
  if (!bundle_->fallback) return fall_to_default(Cause::rules_missing, d);
  bundle_->fallback->evaluate(row, known(now), d.fallback);
  if (d.fallback.action == Action::none) return fall_to_default(Cause::rules_undecided, d);
  d.take(Stage::fallback_rules);
  d.action = d.fallback.action;
}

void Engine::fall_to_default(Cause cause, Decision& d) const {
  d.level = Level::L3;
  (d.cause == Cause::none ? d.cause : d.rules_cause) = cause;
  d.take(Stage::safe_default);
  d.action = bundle_->policy.level3;
}

}  // namespace sluice::cascade
