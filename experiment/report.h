#pragma once
/// A report on experiments from a decision log (docs/experiments.md). Plain values; report_json.h and report_html.h
/// write it.
///
/// An interval holds at all numbers of decisions simultaneously (sequential.h). A figure that does not exist is NaN.
/// Thread-safety: plain data; concurrent calls of experiment_report are safe.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sluice/bundle/costs.h"
#include "sluice/cascade/level.h"
#include "sluice/experiment/outcome_labels.h"
#include "sluice/experiment/plan.h"
#include "sluice/experiment/sequential.h"

namespace sluice::experiment {

inline constexpr double kRatioAlpha = 0.01;  // with a smaller p-value the sample ratio does not fit the plan

struct ExperimentReportOptions {
  const OutcomeLabels* labels = nullptr;  // null: no bad rates and no costs
  std::optional<cascade::Costs> costs{};  // nullopt: from the labels' bad rate
  double alpha = 0.05;
  double tuned_for = 10'000;      // number of decisions at which intervals are narrowest
  bool first_of_subject = false;  // count only the first decision of each subject in an experiment
};

struct ArmFigures {
  std::string name;
  std::uint64_t n = 0;
  double n_expected = 0;            // of the experiment's decisions, by the plan
  std::array<Estimate, 4> actions;  // shares, by rules::Action
  std::array<Estimate, 4> levels;   // shares, by cascade::Level
  std::uint64_t n_labelled = 0;
  Estimate bad_rate_approved;
  Estimate cost;  // per labelled decision
  // Minus the champion's; NaN for the champion itself.
  Estimate approve_difference, cost_difference;
};

/// The shadow compared with the acting arm, in the same records.
struct ShadowFigures {
  std::string name;
  std::uint64_t n = 0;
  std::array<std::array<std::uint64_t, 4>, 4> actions{};  // [acted][shadow], by rules::Action
  Estimate changed;                                       // share of decisions that the shadow would have changed
  Estimate cost_difference;                               // the shadow's minus the acting arm's, per labelled decision
};

struct ExperimentFigures {
  std::string name, layer;
  std::uint64_t n = 0, n_labelled = 0;
  std::uint64_t n_subjects = 0, n_with_subject = 0;
  // Records that do not fit the plan; no figure includes them.
  std::uint64_t n_not_running = 0;  // before its start or from its stop on
  std::uint64_t n_unknown_arm = 0;  // an arm that the plan does not have, or whose share was 0
  double ratio_p = 1;               // anytime-valid p-value of the arms' shares
  std::vector<ArmFigures> arms;     // the champion first
  std::optional<ShadowFigures> shadow;

  bool ratio_fits() const { return ratio_p >= kRatioAlpha; }
  bool is_sound() const { return ratio_fits() && n_not_running == 0 && n_unknown_arm == 0; }
};

struct ExperimentReport {
  std::int64_t plan_version = 0;
  std::uint64_t n_records = 0;  // readable decisions in the log
  std::uint64_t n_erased = 0;   // unreadable decisions: their subjects were erased
  std::uint64_t n_foreign = 0;  // arm names of experiments that are not in the plan
  double alpha = 0, tuned_for = 0;
  bool first_of_subject = false, has_amounts = false;
  std::optional<cascade::Costs> costs;  // nullopt without labels
  std::string costs_from;               // "given" or "labels"
  std::vector<ExperimentFigures> experiments;

  bool is_sound() const;
  /// What a reader must know before using the figures, one sentence each.
  std::vector<std::string> warnings() const;
};

/// Reads the log once. Memory grows with the number of labels and subjects.
/// Throws Error{log.* | record.* | keys.* | experiment.alpha}, and Error{experiment.no_subject} for a record without a
/// subject if first_of_subject is set.
ExperimentReport experiment_report(const std::filesystem::path& folder, const ExperimentPlan& plan,
                                   const ExperimentReportOptions& options = {});

}  // namespace sluice::experiment
