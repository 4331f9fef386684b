#include "sluice/experiment/report.h"

#include <algorithm>
#include <cmath>

#include "sluice/audit/log/log_reader.h"
#include "sluice/base/number.h"
#include "sluice/experiment/report_text.h"
#include "sluice/experiment/tally.h"

namespace sluice::experiment {
namespace {

class LogTally {
 public:
  LogTally(const ExperimentPlan& plan, const ExperimentReportOptions& options, ExperimentReport& report)
      : plan_(plan), options_(options), report_(report) {
    for (const auto& experiment : plan.experiments())
      tallies_.emplace_back(experiment, report.costs ? &*report.costs : nullptr, large_cost(),
                            options.first_of_subject);
  }

  void add(std::string_view payload) {
    ++report_.n_records;
    const audit::RecordParts parts = audit::split(payload);
    const audit::RecordHead head = audit::decode_head(parts.head);
    if (head.arm.empty()) return;
    const audit::RecordOutcome outcome = audit::decode_outcome(parts.outcome);
    const TallyRecord record{head, outcome, options_.labels ? options_.labels->find(head.id) : nullptr};
    for (std::string_view rest = head.arm; !rest.empty();) {
      const auto name = experiment::take_arm_name(rest);
      const auto experiment = name ? plan_.find(name->experiment) : std::nullopt;
      if (experiment)
        tallies_[*experiment].add(name->arm, record);
      else
        ++report_.n_foreign;
    }
  }

  void finish(const ConfidenceSequence& intervals) {
    for (std::size_t e = 0; e < tallies_.size(); ++e)
      report_.experiments.push_back(tallies_[e].figures(plan_.layers()[plan_.experiments()[e].layer].name, intervals));
  }

 private:
  /// Assumed distance of a decision's cost from the mean before a large cost is observed.
  double large_cost() const {
    if (!report_.costs) return 0;
    const cascade::Costs& costs = *report_.costs;
    const double mistake = std::max(costs.false_positive, costs.false_negative) * options_.labels->large_amount();
    return std::max(mistake, costs.review.value_or(0)) + costs.network_call;
  }

  const ExperimentPlan& plan_;
  const ExperimentReportOptions& options_;
  ExperimentReport& report_;
  std::vector<ExperimentTally> tallies_;
};

std::string percent(double share) { return number_text(std::round(1000 * share) / 10) + " %"; }

void add_warnings(const ExperimentFigures& e, bool first_of_subject, bool has_labels, std::vector<std::string>& out) {
  const std::string name = "experiment \"" + e.name + "\": ";
  if (!e.ratio_fits())
    out.push_back(name + "the arms' shares do not fit the plan (p " + p_text(e.ratio_p) +
                  "): find the cause before you use any other figure");
  if (e.n_unknown_arm > 0)
    out.push_back(name + std::to_string(e.n_unknown_arm) +
                  " records name an arm that the plan did not assign at that time");
  if (e.n_not_running > 0)
    out.push_back(name + std::to_string(e.n_not_running) + " records are from times when it did not run");
  if (!first_of_subject && e.n_subjects < e.n_with_subject)
    out.push_back(name + std::to_string(e.n_with_subject) + " decisions are of " + std::to_string(e.n_subjects) +
                  " subjects: intervals are too narrow if decisions of one subject are similar; count only the first "
                  "of each subject");
  if (has_labels && e.n_labelled < e.n)
    out.push_back(name + percent(static_cast<double>(e.n_labelled) / static_cast<double>(e.n)) +
                  " of the decisions have a label; costs and bad rates cover only those");
}

}  // namespace

bool ExperimentReport::is_sound() const {
  return std::all_of(experiments.begin(), experiments.end(), [](const auto& e) { return e.is_sound(); });
}

std::vector<std::string> ExperimentReport::warnings() const {
  std::vector<std::string> out;
  for (const auto& experiment : experiments) add_warnings(experiment, first_of_subject, costs.has_value(), out);
  if (n_foreign > 0)
    out.push_back(std::to_string(n_foreign) + " arm names in records belong to experiments that are not in the plan");
  if (n_erased > 0)
    out.push_back(std::to_string(n_erased) + " decisions belong to erased subjects and are not counted");
  return out;
}

ExperimentReport experiment_report(const std::filesystem::path& folder, const ExperimentPlan& plan,
                                   const ExperimentReportOptions& options) {
  const ConfidenceSequence intervals(options.alpha, options.tuned_for);
  ExperimentReport report{.plan_version = plan.version(),
                          .alpha = options.alpha,
                          .tuned_for = options.tuned_for,
                          .first_of_subject = options.first_of_subject};
  if (options.labels) {
    report.has_amounts = options.labels->has_amounts();
    report.costs = options.costs ? *options.costs : cascade::Costs::for_bad_rate(options.labels->bad_rate());
    report.costs_from = options.costs ? "given" : "labels";
  }
  LogTally tally(plan, options, report);
  audit::LogReader reader(folder);
  audit::PayloadReader payloads(folder);
  for (audit::EntryView entry; reader.next(entry);) {
    if (entry.header.kind != audit::EntryKind::decision) continue;
    if (const auto payload = payloads.read(entry))
      tally.add(*payload);
    else
      ++report.n_erased;
  }
  reader.require_sound();
  tally.finish(intervals);
  return report;
}

}  // namespace sluice::experiment
