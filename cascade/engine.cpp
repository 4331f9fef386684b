#include "sluice/cascade/engine.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/cascade/bundle_stage.h"
#include "sluice/cascade/prober.h"

namespace sluice::cascade {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kStackColumns = 512;

/// Sets `us` to the time of its life, where timings are on.
class Stopwatch {
 public:
  Stopwatch(bool on, float& us) : us_(on ? &us : nullptr) {
    if (us_) start_ = Clock::now();
  }
  ~Stopwatch() {
    if (us_) *us_ = std::chrono::duration<float, std::micro>(Clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  float* us_;
  Clock::time_point start_;
};

rules::ModelOutputs outputs_of(const Decision& d) {
  return {d.forest.p, d.network.p, d.p_final, d.forest.margin, d.network.margin};
}

BreakerOptions breaker_options(const BreakerPolicy& policy) {
  return {.window_us = policy.window_ms * 1000,
          .min_calls = static_cast<std::uint32_t>(policy.min_calls),
          .failure_rate = policy.failure_rate,
          .open_us = policy.open_ms * 1000,
          .max_open_us = policy.open_ms * 32'000};
}

void leave_for(Level level, Cause cause, Decision& d) {
  d.level = level;
  if (d.cause == Cause::none) d.cause = cause;
}

}  // namespace

Engine::Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options)
    : bundle_(std::move(bundle)),
      forest_(std::move(options.forest)),
      network_(std::move(options.network)),
      breaker_(std::move(options.breaker)),
      timings_(options.timings) {
  if (!forest_) forest_ = make_forest_stage(bundle_->forests, bundle_->schema);
  if (!network_) network_ = make_bundle_stage(*bundle_, bundle_->policy.network.device);
  if (!breaker_) breaker_ = std::make_shared<Breaker>(breaker_options(bundle_->policy.breaker));
  if (!network_) return;
  network_us_ = measure_network_us();
  prober_ = std::make_unique<Prober>(network_, breaker_, bundle_->schema.size());
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Decision Engine::decide(RowView row, Deadline deadline, const FeatureProvider* provider) const {
  if (row.size() != bundle_->schema.size())
    throw Error("shape", "a row has " + std::to_string(bundle_->schema.size()) +
                             " columns in this bundle's schema, not " + std::to_string(row.size()));
  if (deadline.is_none() && bundle_->policy.deadline_us > 0)
    deadline = Deadline::in(std::chrono::microseconds(bundle_->policy.deadline_us));
  Decision d;
  {
    const Stopwatch watch(timings_, d.timings_us.total);
    run_stages(row, deadline, provider, d);
  }
  return d;
}

void Engine::run_stages(RowView row, Deadline deadline, const FeatureProvider* provider, Decision& d) const {
  StagedMargins staged;
  if (rule_out(row, d)) return;                                                       // a knock-out before any model
  if (!score_forest(row, deadline, staged, d)) return decide_without_models(row, d);  // L2, then L3
  if (d.in_band) refine(row, deadline, provider, staged, d);                          // on trouble: L1 and its cause
  act(d);
  amend(row, d);
}

bool Engine::rule_out(RowView row, Decision& d) const {
  if (!bundle_->pre) return false;
  bundle_->pre->evaluate(row, {}, d.pre);
  if (d.pre.undecided) return fall_to_default(Cause::rules_undecided, d), true;
  if (d.pre.action == Action::none) return false;
  d.take(Stage::pre_rules);
  d.action = d.pre.action;
  return true;
}

bool Engine::score_forest(RowView row, Deadline deadline, StagedMargins& staged, Decision& d) const {
  if (deadline.has_passed()) return leave_for(Level::L2, Cause::forest_late, d), false;
  const Stopwatch watch(timings_, d.timings_us.forest);
  try {
    forest_->score(RowsView(row), {&staged, 1});
  } catch (...) {
    return leave_for(Level::L2, Cause::forest_failed, d), false;
  }
  return take_forest(staged, d);
}

bool Engine::take_forest(const StagedMargins& staged, Decision& d) const {
  if (!std::isfinite(staged.back())) return leave_for(Level::L2, Cause::forest_not_finite, d), false;
  d.forest = {staged.back(), bundle_->calibration.forest.probability(staged.back()), true};
  d.p_final = d.forest.p;
  d.in_band = bundle_->policy.band && bundle_->policy.band->contains(d.forest.p);
  d.take(Stage::forest);
  return true;
}

Cause Engine::may_refine(Deadline deadline) const {
  if (!network_) return Cause::network_missing;
  if (!bundle_->policy.network.enabled) return Cause::network_disabled;
  if (deadline.remaining_us() <= network_us_) return Cause::network_late;
  return Cause::none;
}

void Engine::refine(RowView row, Deadline deadline, const FeatureProvider* provider, const StagedMargins& staged,
                    Decision& d) const {
  const Stopwatch watch(timings_, d.timings_us.network);
  if (const Cause cause = may_refine(deadline); cause != Cause::none) return leave_for(Level::L1, cause, d);
  StackBuffer<double, kStackColumns> full(row.size());
  std::copy(row.begin(), row.end(), full.data());
  if (const Cause cause = fetch_late(row, deadline, provider, full.span(), d); cause != Cause::none)
    return leave_for(Level::L1, cause, d);
  float margin = 0;
  DeviceName device;
  const Cause cause = ask_network(RowView(full.span()), staged, deadline, margin, device);
  cause == Cause::none ? take_network(margin, device, d) : leave_for(Level::L1, cause, d);
}

Cause Engine::ask_network(RowView row, const StagedMargins& staged, Deadline deadline, float& margin,
                          DeviceName& device) const {
  const std::int64_t start = steady_us();
  if (!breaker_->admits(start)) {
    prober_->offer(row, staged, start);
    return Cause::network_open;
  }
  NetworkAnswer answer{.cause = Cause::network_failed};
  try {
    answer = network_->score(RowsView(row), {&staged, 1}, {&margin, 1}, deadline);
  } catch (...) {
  }
  if (answer.cause == Cause::none && deadline.has_passed()) answer.cause = Cause::network_late;
  const std::int64_t end = steady_us();
  // A full queue says nothing of what the stage would have answered.
  if (answer.cause != Cause::network_shed)
    breaker_->record(answer.cause == Cause::none && std::isfinite(margin), end - start, end);
  device = answer.device;
  return answer.cause;
}

Cause Engine::fetch_late(RowView row, Deadline deadline, const FeatureProvider* provider, std::span<double> full,
                         Decision& d) const {
  const auto columns = bundle_->schema.late_columns();
  if (columns.empty()) return Cause::none;
  if (!provider) return lacks_late_features(row) ? Cause::late_features_missing : Cause::none;
  const std::span<double> late(d.late.data(), columns.size());
  std::fill(late.begin(), late.end(), std::nan(""));
  auto result = FeatureProvider::Result::failed;
  try {
    result = provider->fetch(row, late, deadline);
  } catch (...) {
  }
  if (result == FeatureProvider::Result::failed) return Cause::late_features_failed;
  if (result == FeatureProvider::Result::missing) return Cause::late_features_missing;
  if (result == FeatureProvider::Result::late || deadline.remaining_us() <= network_us_)
    return Cause::late_features_late;
  for (std::size_t i = 0; i < columns.size(); ++i) full[columns[i]] = late[i];
  d.late_fetched = true;
  return Cause::none;
}

bool Engine::lacks_late_features(RowView row) const {
  const auto columns = bundle_->schema.late_columns();
  return !columns.empty() &&
         std::all_of(columns.begin(), columns.end(), [&](std::size_t c) { return std::isnan(row[c]); });
}

void Engine::take_network(float margin, const DeviceName& device, Decision& d) const {
  if (!std::isfinite(margin)) return leave_for(Level::L1, Cause::network_not_finite, d);
  d.network = {margin, bundle_->calibration.network.probability(margin), true};
  d.device = device;
  d.p_final = d.network.p;
  d.take(Stage::network);
}

void Engine::act(Decision& d) const {
  const Policy& policy = bundle_->policy;
  d.action = (d.level == Level::L0 ? policy.level0 : policy.level1).decide(d.p_final);
}

void Engine::amend(RowView row, Decision& d) const {
  if (!bundle_->post) return;
  bundle_->post->evaluate(row, outputs_of(d), d.post);
  if (d.post.undecided) return fall_to_default(Cause::rules_undecided, d);
  if (d.post.action == Action::none) return;
  d.take(Stage::post_rules);
  d.action = d.post.action;
}

void Engine::decide_without_models(RowView row, Decision& d) const {
  if (!bundle_->fallback) return fall_to_default(Cause::rules_missing, d);
  bundle_->fallback->evaluate(row, {}, d.fallback);
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

double Engine::measure_network_us() const {
  constexpr std::size_t kWarmUp = 16, kCalls = 100;
  const Table row(bundle_->schema.size(), 1);
  const StagedMargins staged{};
  std::vector<double> us;
  for (std::size_t call = 0; call < kWarmUp + kCalls; ++call) {
    const auto start = Clock::now();
    float margin = 0;
    try {
      network_->score(row.view(), {&staged, 1}, {&margin, 1}, Deadline::none());
    } catch (...) {
    }
    if (call >= kWarmUp) us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(us.begin(), us.end());
  return us[kCalls * 95 / 100];
}

}  // namespace sluice::cascade
