#include "sluice/experiment/report_html.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/number.h"
#include "sluice/experiment/report_text.h"
#include "sluice/report/html_text.h"
#include "sluice/report/numbers.h"
#include "sluice/report/svg.h"

namespace sluice::experiment {
namespace {

std::string tiles(const ExperimentReport& report) {
  std::uint64_t n = 0;
  for (const auto& e : report.experiments) n += e.n;
  return "<div class=\"tiles\">\n" + html_tile(std::to_string(report.n_records), "records in the log") +
         html_tile(std::to_string(n), "decisions in experiments") +
         html_tile(std::to_string(report.experiments.size()), "experiments in the plan") +
         html_tile(report.is_sound() ? "fits" : "does not fit", "sample ratio") + "</div>\n";
}

/// One line per challenger: the value and interval of its cost difference, with zero marked.
std::string difference_chart(const std::vector<ArmFigures>& arms) {
  double most = 0;
  for (const auto& arm : arms)
    if (std::isfinite(arm.cost_difference.low))
      most = std::max({most, std::abs(arm.cost_difference.low), std::abs(arm.cost_difference.high)});
  if (most == 0) return "";
  const double left = 160, width = 600, row = 26;
  const auto x = [&](double value) { return left + width * (value / most + 1) / 2; };
  const double height = row * static_cast<double>(arms.size() - 1) + 24;
  Svg svg(780, "Cost differences");
  for (const double tick : nice_ticks(-most, most, 6)) {
    svg.line(x(tick), 0, x(tick), height - 18, tick == 0 ? "stroke:var(--ink)" : "stroke:var(--line)");
    svg.text(x(tick), height - 4, Svg::Anchor::middle, number_text(tick), "muted");
  }
  double y = row / 2;
  for (std::size_t a = 1; a < arms.size(); ++a, y += row) {
    const Estimate& d = arms[a].cost_difference;
    svg.text(0, y + 4, Svg::Anchor::start, arms[a].name);
    if (!std::isfinite(d.low)) continue;
    svg.line(x(d.low), y, x(d.high), y, "stroke:var(--accent);stroke-width:3");
    svg.circle(x(d.value), y, 5, "fill:var(--accent)");
  }
  return svg.finish(height);
}

std::string actions_table(const ExperimentFigures& e) {
  HtmlTable table({"", "decisions", "expected", "approved", "reviewed", "declined", "approved, minus champion"});
  for (const auto& arm : e.arms)
    table.row({arm.name, std::to_string(arm.n), decimal(arm.n_expected, 0), percent_text(arm.actions[1]),
               percent_text(arm.actions[2]), percent_text(arm.actions[3]), percent_text(arm.approve_difference)});
  HtmlTable levels({"", "L0", "L1", "L2", "L3", "bad among approved"});
  for (const auto& arm : e.arms)
    levels.row({arm.name, percent_text(arm.levels[0]), percent_text(arm.levels[1]), percent_text(arm.levels[2]),
                percent_text(arm.levels[3]), percent_text(arm.bad_rate_approved)});
  return table.finish() + levels.finish();
}

std::string money(const ExperimentFigures& e) {
  HtmlTable table({"", "labelled", "cost per decision", "minus the champion's", "total over the arm's decisions"});
  for (const auto& arm : e.arms)
    table.row({arm.name, std::to_string(arm.n_labelled), value_text(arm.cost), value_text(arm.cost_difference),
               value_text(total_difference(arm))});
  return table.finish() + difference_chart(e.arms);
}

std::string shadow_section(const ShadowFigures& shadow) {
  std::string out = "<h3>Shadow " + escape_html(shadow.name) + "</h3>\n";
  out += html_paragraph(
      std::to_string(shadow.n) + " decisions have its result; it would have changed " + percent_text(shadow.changed) +
      " of them. Its cost minus that of the acting arm: " + value_text(shadow.cost_difference) + " per decision.");
  HtmlTable table({"acted \\ shadow", "none", "APPROVE", "REVIEW", "DECLINE"});
  for (std::size_t acted = 0; acted < 4; ++acted) {
    std::vector<std::string> cells = {rules::to_string(cascade::Action(acted))};
    for (const auto n : shadow.actions[acted]) cells.push_back(std::to_string(n));
    table.row(cells);
  }
  return out + table.finish();
}

std::string section(const ExperimentFigures& e, bool has_costs) {
  std::string out = html_heading(e.name);
  out += html_paragraph("Layer " + e.layer + ". Sample ratio: " + (e.ratio_fits() ? "fits" : "does not fit") +
                            " the plan, p " + p_text(e.ratio_p) + ".",
                        e.is_sound() ? "muted" : "note");
  if (e.n == 0) return out + html_paragraph("It has no decisions.");
  out += actions_table(e);
  if (has_costs) out += money(e);
  return e.shadow ? out + shadow_section(*e.shadow) : out;
}

std::string closing(const ExperimentReport& report) {
  std::string out = html_heading("Method");
  out += html_paragraph("In parentheses: asymptotic confidence sequences. Each one holds with probability " +
                        number_text(1 - report.alpha) +
                        " at all numbers of decisions simultaneously and is narrowest at " +
                        number_text(report.tuned_for) +
                        ". Differences weight each decision by the arms' shares at its time. The unit is the " +
                        (report.first_of_subject ? "first decision of each subject." : "decision."));
  if (report.costs) {
    const cascade::Costs& costs = *report.costs;
    out += html_paragraph(
        "Costs (" + std::string(report.costs_from == "given" ? "as given" : "from the labels' bad rate") +
        (report.has_amounts ? ", the first two per unit of the amount" : "") + "): a good request declined " +
        number_text(costs.false_positive) + ", a bad one approved " + number_text(costs.false_negative) +
        ", a review " + (costs.review ? number_text(*costs.review) : std::string("counts as a decline")) +
        ", the network " + number_text(costs.network_call) + ".");
  }
  return out + "</body>\n</html>\n";
}

}  // namespace

std::string experiment_html(const ExperimentReport& report) {
  std::string out = html_head("Experiments", "h3{font-size:14px;font-weight:600;margin:20px 0 4px}\n");
  out += "<h1>Experiments</h1>\n" +
         html_paragraph("Plan version " + std::to_string(report.plan_version) + ", from the decision log.", "muted") +
         tiles(report);
  for (const auto& warning : report.warnings()) out += html_paragraph(warning, "note");
  for (const auto& experiment : report.experiments) out += section(experiment, report.costs.has_value());
  return out + closing(report);
}

}  // namespace sluice::experiment
