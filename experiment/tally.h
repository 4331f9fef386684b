#pragma once
/// Counts the records of one experiment. Not installed; not thread-safe.

#include <unordered_set>

#include "sluice/audit/decision_record.h"
#include "sluice/experiment/report.h"

namespace sluice::experiment {

/// The parts of a record that the tally needs.
struct TallyRecord {
  const audit::RecordHead& head;
  const audit::RecordOutcome& outcome;
  const OutcomeLabel* label;  // null if there is no label
};

class ExperimentTally {
 public:
  /// Without `costs` there are no cost figures. `large_cost` is the cost of a large mistake, for the intervals.
  /// `experiment` and `costs` must outlive the tally.
  ExperimentTally(const Experiment& experiment, const cascade::Costs* costs, double large_cost, bool first_of_subject);

  /// Throws Error{experiment.no_subject}.
  void add(std::string_view arm, const TallyRecord& record);
  ExperimentFigures figures(const std::string& layer, const ConfidenceSequence& intervals) const;

 private:
  struct Arm {
    std::uint64_t n = 0;
    double n_expected = 0;
    std::array<RunningMean, 4> actions, levels;
    std::uint64_t n_labelled = 0;
    RunningMean bad_approved{1}, cost;
    ArmDifference approve_difference{1}, cost_difference;

    explicit Arm(double large_cost);
  };

  std::optional<std::size_t> arm_of(std::string_view name) const;
  bool is_first(const audit::RecordHead& head);
  void add_to_arm(std::size_t arm, const TallyRecord& record);
  void add_differences(std::size_t arm, std::span<const std::int64_t> shares, const TallyRecord& record);
  void add_shadow(const TallyRecord& record);
  double cost(cascade::Action action, bool is_forwarded, const OutcomeLabel& label) const;
  ArmFigures figures_of(std::size_t arm, const ConfidenceSequence& intervals) const;

  const Experiment& experiment_;
  const cascade::Costs* costs_;
  bool first_of_subject_;
  std::uint64_t n_not_running_ = 0, n_unknown_arm_ = 0, n_with_subject_ = 0;
  std::unordered_set<std::uint64_t> subjects_;
  SampleRatioTest ratio_;
  std::vector<Arm> arms_;
  std::uint64_t n_shadow_ = 0;
  std::array<std::array<std::uint64_t, 4>, 4> shadow_actions_{};
  RunningMean shadow_changed_{1}, shadow_cost_;
};

}  // namespace sluice::experiment
