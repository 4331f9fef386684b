#include <cmath>
#include <iostream>
#include <optional>

#include "sluice/base/file.h"
#include "sluice/base/schema.h"
#include "sluice/cli/options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/audit_options.h"
#include "sluice/experiment/plan.h"
#include "sluice/experiment/report_html.h"
#include "sluice/experiment/report_json.h"
#include "sluice/experiment/report_text.h"
#include "sluice/report/numbers.h"

namespace sluice::cli {
namespace {

int check_plan(const Arguments& arguments) {
  std::vector<std::string> files;
  Options options("experiment check", "Checks experiment plans: reports every fault, each with its JSON pointer.",
                  "sluice experiment check examples/experiments.json");
  options.positionals("PLAN", files, "experiment plans");
  if (!options.parse(arguments)) return 0;
  bool is_sound = true;
  for (const auto& file : files) {
    const auto checked = experiment::check_experiments(read_file(file), file);
    for (const auto& diagnostic : checked.diagnostics) std::cout << to_string(diagnostic) << "\n";
    if (checked.plan)
      std::cout << file << ": ok, version " << checked.plan->version() << ", " << checked.plan->experiments().size()
                << " experiments in " << checked.plan->layers().size() << " layers\n";
    is_sound = is_sound && checked.plan;
  }
  return is_sound ? 0 : kFound;
}

std::int64_t parse_moment(const std::string& text) {
  if (text.empty()) return now_us();
  const auto seconds = parse_time(text);
  if (!seconds || !(std::abs(*seconds) < 1e12))
    throw UsageError("--at: \"" + text + "\" is not a time\n  hint: write it as 2024-01-31T00:00:00Z");
  return static_cast<std::int64_t>(std::llround(*seconds * 1e6));
}

int assign(const Arguments& arguments) {
  std::string file, key, at;
  Options options("experiment assign", "Prints the arm of a key in each layer's experiment.",
                  "sluice experiment assign examples/experiments.json --key 17 --at 2024-03-20T00:00:00Z");
  options.positional("PLAN", file, "experiment plan").required("--key", key, "key text, used in every layer");
  options.text("--at", at, "time of the assignment; default: now");
  if (!options.parse(arguments)) return 0;
  const auto plan = experiment::parse_experiments(read_file(file), file);
  const auto assignment = plan.assign(key, parse_moment(at));
  std::vector<std::vector<std::string>> rows = {{"layer", "key", "experiment", "arm", "decides with", "shadow"}};
  for (const auto& place : assignment.places()) {
    const auto& experiment = plan.experiments()[place.experiment];
    const auto& layer = plan.layers()[experiment.layer];
    const auto& arm = experiment.arms[place.arm];
    rows.push_back({layer.name, layer.key, experiment.name, arm.name,
                    arm.challenger ? std::string(to_string(arm.challenger->kind)) + " " + arm.challenger->ref
                                   : "current bundle and policy",
                    place.has_shadow ? experiment.shadow->name : "-"});
  }
  std::cout << (assignment.empty() ? "in no experiment\n" : format_table(rows));
  return 0;
}

void print_experiment(const experiment::ExperimentFigures& e, bool has_costs) {
  std::cout << "\n"
            << e.name << " (layer " << e.layer << "), " << e.n << " decisions, sample ratio "
            << (e.ratio_fits() ? "fits" : "does NOT fit") << ", p " << experiment::p_text(e.ratio_p) << "\n";
  if (e.n == 0) return;
  std::vector<std::string> heads = {"", "decisions", "expected", "approved", "minus champion", "bad among approved"};
  if (has_costs) heads.insert(heads.end(), {"cost per decision", "minus champion", "total"});
  std::vector<std::vector<std::string>> rows = {heads};
  for (const auto& arm : e.arms) {
    rows.push_back({arm.name, std::to_string(arm.n), decimal(arm.n_expected, 0),
                    experiment::percent_text(arm.actions[1]), experiment::percent_text(arm.approve_difference),
                    experiment::percent_text(arm.bad_rate_approved)});
    if (has_costs)
      for (const auto& figure : {arm.cost, arm.cost_difference, total_difference(arm)})
        rows.back().push_back(experiment::value_text(figure));
  }
  std::cout << format_table(rows);
  if (e.shadow)
    std::cout << "shadow " << e.shadow->name << ": " << e.shadow->n << " decisions, "
              << experiment::percent_text(e.shadow->changed) << " changed, cost minus the acting arm's "
              << experiment::value_text(e.shadow->cost_difference) << "\n";
}

struct ReportFlags {
  std::string folder, plan, labels, label, id, amount, costs, unit = "decision", json, html;
  double alpha = 0.05, tuned_for = 10'000;

  bool parse(const Arguments& arguments) {
    Options options(
        "experiment report",
        "Reports on experiments from a decision log. Exit code 3 if the sample ratio does not fit the plan.",
        "sluice experiment report --audit log --plan examples/experiments.json");
    options.required("--audit", folder, "folder of the decision log").required("--plan", plan, "experiment plan");
    options.text("--labels", labels, "outcomes of decisions: CSV or Arrow IPC")
        .text("--label", label, "label column of --labels: 1 is bad, 0 is good")
        .text("--id", id, "column of --labels with the decisions' ids")
        .text("--amount", amount, "column of --labels with the amounts that scale costs")
        .text("--costs", costs, "costs.json: the cost of mistakes; default: from the labels' bad rate");
    options
        .choice("--unit", unit, {"decision", "subject"}, "unit that is counted: each decision, or each subject's first")
        .number("--alpha", alpha, "confidence of the intervals is 1 - alpha")
        .number("--tuned-for", tuned_for, "number of decisions at which intervals are narrowest");
    options.output("--json", json, "output file for the report as JSON")
        .output("--html", html, "output file for the report as HTML");
    if (!options.parse(arguments)) return false;
    if (labels.empty() && !(label + id + amount + costs).empty())
      throw UsageError("sluice experiment report: --label, --id, --amount and --costs need --labels");
    if (!labels.empty() && (label.empty() || id.empty()))
      throw UsageError("sluice experiment report: --labels needs --label and --id");
    return true;
  }
};

int report_arms(const Arguments& arguments) {
  ReportFlags flags;
  if (!flags.parse(arguments)) return 0;
  const auto plan = experiment::parse_experiments(read_file(flags.plan), flags.plan);
  experiment::ExperimentReportOptions asked{
      .alpha = flags.alpha, .tuned_for = flags.tuned_for, .first_of_subject = flags.unit == "subject"};
  if (!flags.costs.empty()) asked.costs = cascade::Costs::from_json(read_file(flags.costs), flags.costs);
  std::optional<experiment::OutcomeLabels> labels;
  if (!flags.labels.empty())
    asked.labels = &labels.emplace(
        experiment::OutcomeLabels::read(flags.labels, {flags.id, flags.label, flags.amount}, make_progress(true)));
  const auto report = experiment::experiment_report(flags.folder, plan, asked);
  for (const auto& warning : report.warnings()) warn(warning);
  if (!flags.json.empty()) write_file(flags.json, experiment::experiment_json(report));
  if (!flags.html.empty()) write_file(flags.html, experiment::experiment_html(report));
  std::cout << report.n_records << " records\n";
  for (const auto& experiment : report.experiments) print_experiment(experiment, report.costs.has_value());
  return report.is_sound() ? 0 : kFound;
}

}  // namespace

int run_experiment(const Arguments& arguments) {
  return dispatch("sluice experiment",
                  {{"check", "check plans; report faults with JSON pointers", check_plan},
                   {"assign", "print the arms of a key", assign},
                   {"report", "report on each arm from a decision log", report_arms}},
                  arguments);
}

}  // namespace sluice::cli
