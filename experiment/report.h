#pragma once
/// What a decision log says of experiments (docs/experiments.md). Plain values; written by report_json.h and
/// report_html.h.
///
/// All intervals hold at once at every number of decisions (sequential.h). A figure that does not exist is NaN.

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

namespace sluice::audit {

inline constexpr double kRatioAlpha = 0.01;  // below, the sample ratio is not the plan's

struct ExperimentReportOptions {
  const OutcomeLabels* labels = nullptr;  // null: no bad rates and no money
  std::optional<cascade::Costs> costs{};  // none: by the labels' bad rate
  double alpha = 0.05;
  double tuned_for = 10'000;      // decisions at which intervals are narrowest
  bool first_of_subject = false;  // the first decision of each subject in an experiment alone
};

struct ArmFigures {
  std::string name;
  std::uint64_t n = 0;
  double n_expected = 0;            // by the plan, of the experiment's decisions
  std::array<Estimate, 4> actions;  // shares, by rules::Action
  std::array<Estimate, 4> levels;   // shares, by cascade::Level
  std::uint64_t n_labelled = 0;
  Estimate bad_rate_approved;
  Estimate cost;  // a labelled decision
  // Less the champion's; of the champion itself, none.
  Estimate approve_difference, cost_difference;
};

/// The shadow beside what acted, in the same records.
struct ShadowFigures {
  std::string name;
  std::uint64_t n = 0;
  std::array<std::array<std::uint64_t, 4>, 4> actions{};  // [acted][shadow], by rules::Action
  Estimate changed;                                       // share of decisions that it would have changed
  Estimate cost_difference;                               // the shadow's less the acting one's, a labelled decision
};

struct ExperimentFigures {
  std::string name, layer;
  std::uint64_t n = 0, n_labelled = 0;
  std::uint64_t n_subjects = 0, n_with_subject = 0;
  // Records that the plan cannot have given, in none of the figures.
  std::uint64_t n_not_running = 0;  // before its start or after its stop
  std::uint64_t n_unknown_arm = 0;  // an arm that the plan does not have, or whose share was 0
  double ratio_p = 1;               // anytime-valid p-value of the arms' shares
  std::vector<ArmFigures> arms;     // the champion first
  std::optional<ShadowFigures> shadow;

  bool ratio_fits() const { return ratio_p >= kRatioAlpha; }
  bool is_sound() const { return ratio_fits() && n_not_running == 0 && n_unknown_arm == 0; }
};

struct ExperimentReport {
  std::int64_t plan_version = 0;
  std::uint64_t n_records = 0;  // decisions in the log that can be read
  std::uint64_t n_erased = 0;   // and that cannot
  std::uint64_t n_foreign = 0;  // names of experiments that the plan does not have
  double alpha = 0, tuned_for = 0;
  bool first_of_subject = false, has_amounts = false;
  std::optional<cascade::Costs> costs;  // none without labels
  std::string costs_from;               // "given" or "labels"
  std::vector<ExperimentFigures> experiments;

  bool is_sound() const;
  /// What a reader has to know before the figures, a sentence each.
  std::vector<std::string> warnings() const;
};

/// Reads the log once. Memory grows with the labels, and with the subjects.
/// Throws Error{log.*, record.*, keys.*, experiment.alpha}, Error{experiment.no_subject} for a record without a subject
/// where the first of each subject is asked for.
ExperimentReport experiment_report(const std::filesystem::path& folder, const cascade::ExperimentPlan& plan,
                                   const ExperimentReportOptions& options = {});

}  // namespace sluice::audit
