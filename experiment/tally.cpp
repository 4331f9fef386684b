#include "sluice/experiment/tally.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/error.h"

namespace sluice::experiment {
namespace {

using cascade::Action;

void add_shares(std::array<RunningMean, 4>& shares, std::size_t taken) {
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i].add(i == taken);
}

/// The interval of a share, limited to [0, 1].
Estimate share_of(const RunningMean& share, const ConfidenceSequence& intervals) {
  Estimate estimate = intervals.of(share);
  if (std::isnan(estimate.low)) return estimate;
  estimate.low = std::max(0.0, estimate.low);
  estimate.high = std::min(1.0, estimate.high);
  return estimate;
}

std::array<Estimate, 4> shares_of(const std::array<RunningMean, 4>& shares, const ConfidenceSequence& intervals) {
  std::array<Estimate, 4> out;
  for (std::size_t i = 0; i < shares.size(); ++i) out[i] = share_of(shares[i], intervals);
  return out;
}

}  // namespace

ExperimentTally::Arm::Arm(double large_cost) : cost(large_cost), cost_difference(large_cost) {
  actions.fill(RunningMean(1));
  levels.fill(RunningMean(1));
}

ExperimentTally::ExperimentTally(const Experiment& experiment, const cascade::Costs* costs, double large_cost,
                                 bool first_of_subject)
    : experiment_(experiment),
      costs_(costs),
      first_of_subject_(first_of_subject),
      arms_(experiment.arms.size(), Arm(large_cost)),
      shadow_cost_(large_cost) {}

std::optional<std::size_t> ExperimentTally::arm_of(std::string_view name) const {
  for (std::size_t a = 0; a < experiment_.arms.size(); ++a)
    if (experiment_.arms[a].name == name) return a;
  return std::nullopt;
}

bool ExperimentTally::is_first(const audit::RecordHead& head) {
  if (head.subject != 0) {
    ++n_with_subject_;
    return subjects_.insert(head.subject).second;
  }
  if (first_of_subject_)
    throw Error("experiment.no_subject", "record \"" + head.id + "\" has no subject",
                "log subjects (score --subject), or count every decision");
  return true;
}

void ExperimentTally::add(std::string_view name, const TallyRecord& record) {
  const std::int64_t time_us = record.head.time_in_us;
  if (!experiment_.runs_at(time_us)) {
    ++n_not_running_;
    return;
  }
  const std::size_t step = experiment_.step_at(time_us);
  const std::vector<std::int64_t>& shares = experiment_.steps[step].shares;
  const auto arm = arm_of(name);
  if (!arm || shares[*arm] == 0) {
    ++n_unknown_arm_;
    return;
  }
  if (!is_first(record.head) && first_of_subject_) return;
  ratio_.add(*arm, step, shares);
  for (std::size_t a = 0; a < arms_.size(); ++a)
    arms_[a].n_expected += static_cast<double>(shares[a]) / static_cast<double>(kBuckets);
  add_to_arm(*arm, record);
  add_differences(*arm, shares, record);
  if (experiment_.shadow && record.head.shadow) add_shadow(record);
}

void ExperimentTally::add_to_arm(std::size_t a, const TallyRecord& record) {
  Arm& arm = arms_[a];
  const audit::RecordOutcome& outcome = record.outcome;
  ++arm.n;
  add_shares(arm.actions, static_cast<std::size_t>(outcome.action));
  add_shares(arm.levels, static_cast<std::size_t>(outcome.level));
  if (!record.label) return;
  ++arm.n_labelled;
  if (outcome.action == Action::approve) arm.bad_approved.add(record.label->is_bad);
  if (costs_) arm.cost.add(cost(outcome.action, outcome.network.ran, *record.label));
}

void ExperimentTally::add_differences(std::size_t arm, std::span<const std::int64_t> shares,
                                      const TallyRecord& record) {
  const double approved = record.outcome.action == Action::approve;
  for (std::size_t a = 1; a < arms_.size(); ++a) {
    if ((arm != 0 && arm != a) || shares[0] + shares[a] == 0) continue;
    const double p = static_cast<double>(shares[a]) / static_cast<double>(shares[0] + shares[a]);
    arms_[a].approve_difference.add(arm == a, p, approved);
    if (costs_ && record.label)
      arms_[a].cost_difference.add(arm == a, p, cost(record.outcome.action, record.outcome.network.ran, *record.label));
  }
}

void ExperimentTally::add_shadow(const TallyRecord& record) {
  const audit::ShadowResult& shadow = *record.head.shadow;
  const audit::RecordOutcome& acted = record.outcome;
  ++n_shadow_;
  ++shadow_actions_[static_cast<std::size_t>(acted.action)][static_cast<std::size_t>(shadow.action)];
  shadow_changed_.add(acted.action != shadow.action);
  if (costs_ && record.label)
    shadow_cost_.add(cost(shadow.action, !std::isnan(shadow.margin_network), *record.label) -
                     cost(acted.action, acted.network.ran, *record.label));
}

double ExperimentTally::cost(Action action, bool is_forwarded, const OutcomeLabel& label) const {
  const bool is_flat = costs_->review && (action == Action::review || action == Action::none);
  return costs_->of(action, label.is_bad) * (is_flat ? 1 : label.amount) + (is_forwarded ? costs_->network_call : 0);
}

ArmFigures ExperimentTally::figures_of(std::size_t a, const ConfidenceSequence& intervals) const {
  const Arm& arm = arms_[a];
  ArmFigures figures{.name = experiment_.arms[a].name,
                     .n = arm.n,
                     .n_expected = arm.n_expected,
                     .actions = shares_of(arm.actions, intervals),
                     .levels = shares_of(arm.levels, intervals),
                     .n_labelled = arm.n_labelled,
                     .bad_rate_approved = share_of(arm.bad_approved, intervals),
                     .cost = intervals.of(arm.cost)};
  figures.cost.low = std::isnan(figures.cost.low) ? figures.cost.low : std::max(0.0, figures.cost.low);
  if (a == 0) return figures;
  figures.approve_difference = intervals.of(arm.approve_difference);
  figures.cost_difference = intervals.of(arm.cost_difference);
  return figures;
}

ExperimentFigures ExperimentTally::figures(const std::string& layer, const ConfidenceSequence& intervals) const {
  ExperimentFigures out{.name = experiment_.name,
                        .layer = layer,
                        .n_subjects = subjects_.size(),
                        .n_with_subject = n_with_subject_,
                        .n_not_running = n_not_running_,
                        .n_unknown_arm = n_unknown_arm_,
                        .ratio_p = ratio_.p_value()};
  for (std::size_t a = 0; a < arms_.size(); ++a) {
    out.n += arms_[a].n;
    out.n_labelled += arms_[a].n_labelled;
    out.arms.push_back(figures_of(a, intervals));
  }
  if (experiment_.shadow)
    out.shadow = {.name = experiment_.shadow->name,
                  .n = n_shadow_,
                  .actions = shadow_actions_,
                  .changed = share_of(shadow_changed_, intervals),
                  .cost_difference = intervals.of(shadow_cost_)};
  return out;
}

}  // namespace sluice::experiment
