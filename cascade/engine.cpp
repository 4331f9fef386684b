#include "sluice/cascade/engine.h"

#include <cmath>
#include <string>

#include "sluice/base/error.h"
#include "sluice/cascade/engine_parts.h"
#include "sluice/cascade/resilience/forest_call.h"
#include "sluice/cascade/routing.h"

namespace sluice::cascade {

/// The README's diagram.
void Engine::decide(const Request& request, Decision& d) const {
  const Stopwatch watch(timings_, d.timings_us.total);
  if (apply_pre_rules(request, d)) return;  // a knock-out before any model
  const Gate::Pass pass = gates_->decisions.enter(request.priority);
  PrefixMargins margins;
  const Cause cause = pass ? score_forest(request, margins, d) : Cause::forest_shed;
  if (!take_forest(cause, margins, d)) return decide_without_models(request, d);  // L2, then L3
  record_route(route_of(*bundle_, request.row, margins, d.forest.p), d);
  if (d.in_band) refine(request, margins, d);  // on failure: L1 and its cause
  apply_cutoffs(d);
  apply_post_rules(request, d);
}

Decision Engine::decide(const Request& asked) const {
  const Request request = checked(asked);
  ledger_->arrive();
  Decision d;
  decide(request, d);
  ledger_->decide(d, request.deadline.has_passed());
  return d;
}

Decision Engine::decide_unrecorded(const Request& asked) const {
  const Request request = checked(asked);
  Decision d;
  decide(request, d);
  return d;
}

Request Engine::checked(Request request) const {
  check_width(request.row.size());
  if (request.deadline.is_none() && bundle_->policy.deadline_us > 0)
    request.deadline = Deadline::in(std::chrono::microseconds(bundle_->policy.deadline_us));
  return request;
}

void Engine::check_width(std::size_t n_columns) const {
  if (n_columns != bundle_->schema.size())
    throw Error("shape", "a row has " + std::to_string(bundle_->schema.size()) +
                             " columns in this bundle's schema, not " + std::to_string(n_columns));
}

bool Engine::apply_pre_rules(const Request& request, Decision& d) const {
  if (!bundle_->pre) return false;
  bundle_->pre->evaluate(request.row, known(seconds_of(request.now_us)), d.pre);
  return take_pre_rules(d);
}

bool Engine::take_pre_rules(Decision& d) const {
  if (d.pre.undecided) return fall_to_default(Cause::rules_undecided, d), true;
  if (d.pre.action == Action::none) return false;
  d.take(Stage::pre_rules);
  d.action = d.pre.action;
  return true;
}

Cause Engine::score_forest(const Request& request, PrefixMargins& margins, Decision& d) const {
  const Stopwatch watch(timings_, d.timings_us.forest);
  return forest_->score(request.row, request.deadline, margins);
}

bool Engine::take_forest(Cause cause, const PrefixMargins& margins, Decision& d) const {
  if (cause == Cause::none && !std::isfinite(margins.back())) cause = Cause::forest_not_finite;
  if (cause != Cause::none) return degrade_to(Level::L2, cause, d), false;
  d.forest = {margins.back(), bundle_->calibration.forest.probability(margins.back()), true};
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

void Engine::apply_post_rules(const Request& request, Decision& d) const {
  if (!bundle_->post) return;
  bundle_->post->evaluate(request.row, known(d, seconds_of(request.now_us)), d.post);
  take_post_rules(d);
}

void Engine::take_post_rules(Decision& d) const {
  if (d.post.undecided) return fall_to_default(Cause::rules_undecided, d);
  if (d.post.action == Action::none) return;
  d.take(Stage::post_rules);
  d.action = d.post.action;
}

void Engine::decide_without_models(const Request& request, Decision& d) const {
  if (!bundle_->fallback) return fall_to_default(Cause::rules_missing, d);
  bundle_->fallback->evaluate(request.row, known(seconds_of(request.now_us)), d.fallback);
  take_fallback_rules(d);
}

void Engine::take_fallback_rules(Decision& d) const {
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
