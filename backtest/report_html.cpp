#include "sluice/backtest/report_html.h"

#include <cmath>
#include <string_view>

#include "sluice/backtest/charts.h"
#include "sluice/backtest/html_parts.h"
#include "sluice/base/number.h"
#include "sluice/report/html_text.h"

namespace sluice::backtest {
namespace {

std::string words_of(const std::string& way) {
  return way == "forest"          ? "forest alone"
         : way == "network"       ? "network for all rows"
         : way == "without_rules" ? "cascade without rules"
                                  : way;
}

std::string opening(const Report& report) {
  const Figures& cascade = report.ways.front().figures;
  std::string out = "<h1>Backtest</h1>\n";
  out += "<p class=\"muted\">" + (report.data.empty() ? std::string() : escape_html(report.data) + " · ") +
         "bundle <span class=\"mono\">" + escape_html(report.bundle.substr(0, 16)) + "</span> · policy version " +
         std::to_string(report.policy_version) + "</p>\n<div class=\"tiles\">\n";
  out += html_tile(count(report.n_rows), "rows, " +
                                             percent(report.n_rows > 0 ? static_cast<double>(report.n_bad) /
                                                                             static_cast<double>(report.n_rows)
                                                                       : kNoFigure,
                                                     2) +
                                             " bad");
  out += html_tile(decimal(cascade.auc, 4), "AUC of the cascade");
  out += html_tile(decimal(cascade.cost, 4), "cost per row");
  out += html_tile(percent(report.inside.forward_rate), "forwarded");
  out += html_tile(percent(report.gap_recovered), "of the gap recovered");
  return out + "</div>\n";
}

std::string ways_section(const Report& report) {
  std::string out = html_heading("Ways to decide");
  HtmlTable ranking({"", "AUC", "Gini", "KS", "PR-AUC", "log-loss", "Brier", "calibration error"});
  HtmlTable actions({"", "approved", "reviewed", "declined", "bad among approved", "cost per row"});
  for (const Way& way : report.ways) {
    const Figures& f = way.figures;
    const bool is_main = way.name == "cascade";
    ranking.row({words_of(way.name), decimal(f.auc, 4), decimal(f.gini, 4), decimal(f.ks, 4), decimal(f.pr_auc, 4),
                 decimal(f.log_loss, 5), decimal(f.brier, 5), decimal(f.calibration_error, 5)},
                is_main);
    actions.row({words_of(way.name), percent(f.approve_rate), percent(f.review_rate), percent(f.decline_rate),
                 percent(f.bad_rate_approved, 2), decimal(f.cost, 4)},
                is_main);
  }
  out += ranking.finish() + actions.finish();
  out += html_paragraph(
      "The cascade is the bundle with its rules and degradation. The other ways use its cut-offs and no rules.",
      "muted small");
  out += "<h3>Expected cost per row</h3>\n" + cost_chart(report);
  if (std::isfinite(report.gap_recovered))
    out += html_paragraph(std::string(report.way("without_rules") ? "Without rules the cascade" : "The cascade") +
                          " recovers " + percent(report.gap_recovered) +
                          " of what the network for all rows saves over the forest alone" +
                          (report.gap_recovered <= 1 ? ""
                           : report.inside.price > 0 ? " (more than 100 %, because it pays for fewer calls)"
                                                     : " (more than 100 %)") +
                          " and forwards " + percent(report.inside.forward_rate) + " of the rows.");
  return out;
}

std::string curves_section(const Report& report) {
  return "<div class=\"pair\">\n<div><h3>ROC</h3>\n" + roc_chart(report) +
         "</div>\n<div><h3>Calibration, 20 bins of equal count</h3>\n" + calibration_chart(report) +
         "<p class=\"muted small\">Bins without bad rows are at the lower edge.</p></div>\n</div>\n" +
         html_heading("Scores, band and cut-offs") + score_chart(report);
}

std::string band_section(const Report& report) {
  const BandReport& inside = report.inside;
  if (inside.n_forwarded == 0) return html_heading("Inside the band") + html_paragraph("No row was forwarded.");
  std::string out = html_heading("Inside the band");
  out += html_paragraph(count(inside.n_forwarded) + " rows were forwarded, " + percent(inside.forward_rate) +
                        " of all. The same rows, decided by the forest and by the network:");
  HtmlTable table({"forwarded rows", "AUC", "log-loss", "Brier", "approved", "reviewed", "declined", "cost per row"});
  const auto row = [&](const char* name, const Figures& f) {
    table.row({name, decimal(f.auc, 4), decimal(f.log_loss, 5), decimal(f.brier, 5), percent(f.approve_rate),
               percent(f.review_rate), percent(f.decline_rate), decimal(f.cost, 4)});
  };
  row("forest", inside.forest);
  row("network", inside.network);
  row("network minus forest", {.auc = inside.network.auc - inside.forest.auc,
                               .log_loss = inside.network.log_loss - inside.forest.log_loss,
                               .brier = inside.network.brier - inside.forest.brier,
                               .approve_rate = inside.network.approve_rate - inside.forest.approve_rate,
                               .review_rate = inside.network.review_rate - inside.forest.review_rate,
                               .decline_rate = inside.network.decline_rate - inside.forest.decline_rate,
                               .cost = inside.network.cost - inside.forest.cost});
  out += table.finish() + html_paragraph("Costs in this section exclude the price of forwarding, " +
                                             number_text(inside.price) + " per row.",
                                         "muted small");
  out += "<h3>Flips: from the forest's action to the final action, including rules</h3>\n";
  HtmlTable flips({"", "rows", "bad rate", "better", "worse", "cost change per row"});
  for (const Flip& flip : inside.flips) {
    const std::string name = std::string(rules::to_string(flip.from)) +
                             (flip.from == flip.to ? " kept" : std::string(" → ") + rules::to_string(flip.to));
    const bool is_flip = flip.from != flip.to;
    flips.row({name, count(flip.n_rows), percent(static_cast<double>(flip.n_bad) / static_cast<double>(flip.n_rows)),
               is_flip ? count(flip.n_better) : "", is_flip ? count(flip.n_worse) : "",
               is_flip ? signed_decimal(flip.cost_change, 4) : ""});
  }
  return out + flips.finish() +
         html_paragraph("Better and worse count the rows whose cost, given the outcome, fell or rose.", "muted small");
}

std::string levels_section(const Report& report) {
  if (report.levels.empty()) return {};
  HtmlTable table({"", "approved", "reviewed", "declined", "bad among approved", "cost per row"});
  const auto row = [&](const std::string& name, const Figures& f) {
    table.row({name, percent(f.approve_rate), percent(f.review_rate), percent(f.decline_rate),
               percent(f.bad_rate_approved, 2), decimal(f.cost, 4)});
  };
  row("as served", report.ways.front().figures);
  std::string notes;
  for (const LevelReport& level : report.levels) {
    row(level.name, level.figures);
    notes += (notes.empty() ? "" : ". ") + level.name + ": " + level.what;
  }
  return html_heading("If a stage fails") + table.finish() + html_paragraph(notes + ".", "muted small");
}

std::string slice_section(const SliceTable& table) {
  const bool is_time = table.kind == "day" || table.kind == "week" || table.kind == "month";
  std::string out = html_heading(is_time ? "Over time: " + table.column + " by " + table.kind : "By " + table.column);
  if (is_time) out += drift_chart(table);
  HtmlTable text(
      {is_time ? table.kind : table.column, "rows", "bad rate", "AUC", "forwarded", "approved", "cost per row", "PSI"});
  for (const SliceReport& s : table.slices)
    text.row({s.name, count(s.n_rows), percent(s.bad_rate, 2), decimal(s.auc, 4), percent(s.forward_rate),
              percent(s.approve_rate), decimal(s.cost, 4), decimal(s.psi, 4)});
  out += text.finish();
  return out + html_paragraph("PSI compares each slice with " + table.reference + ".", "muted small");
}

std::string challenger_section(const Report& report) {
  if (!report.challenger) return {};
  const ChallengerReport& c = *report.challenger;
  std::string out = html_heading("Challenger") + "<p class=\"muted\">bundle <span class=\"mono\">" +
                    escape_html(c.bundle.substr(0, 16)) + "</span></p>\n";
  HtmlTable table({"", "AUC", "log-loss", "approved", "declined", "bad among approved", "forwarded", "cost per row"});
  const auto row = [&](const char* name, const Figures& f, double forwarded) {
    table.row({name, decimal(f.auc, 4), decimal(f.log_loss, 5), percent(f.approve_rate), percent(f.decline_rate),
               percent(f.bad_rate_approved, 2), percent(forwarded), decimal(f.cost, 4)});
  };
  row("this bundle", report.ways.front().figures, report.inside.forward_rate);
  row("challenger", c.figures, c.forward_rate);
  out += table.finish() + "<h3>Swap set of approvals</h3>\n";
  HtmlTable swaps({"", "rows", "bad rate"});
  const auto cell = [&](const char* name, const SwapCell& swap) {
    swaps.row({name, count(swap.n_rows), percent(swap.bad_rate, 2)});
  };
  cell("approved by both", c.both);
  cell("swapped in: only by the challenger", c.swapped_in);
  cell("swapped out: only by this bundle", c.swapped_out);
  cell("approved by neither", c.neither);
  return out + swaps.finish() +
         html_paragraph("The challenger's cost minus this bundle's: " + signed_decimal(c.cost_difference, 4) +
                        " per row.");
}

std::string closing(const Report& report) {
  const cascade::Costs& costs = report.costs;
  const std::string source = report.costs_from == "given"    ? "as given"
                             : report.costs_from == "bundle" ? "those that the bundle was trained for"
                                                             : "default, from the bad rate";
  std::string out = html_heading("Method");
  out += html_paragraph(
      "Costs (" + source + "): a good request declined " + number_text(costs.false_positive) + ", a bad one approved " +
      number_text(costs.false_negative) + ", a review " +
      (costs.review ? number_text(*costs.review) : std::string("counts as a decline: no review cost is given")) +
      ", forwarding " + number_text(report.inside.price) + ".");
  const double bound = report.ways.front().figures.auc_bound;
  out += html_paragraph(
      "Ranking figures come from " + count(ScoreHistogram::kFineBins) + " bins of equal width in log-odds" +
      (std::isfinite(bound) ? "; the cascade's AUC is within " + decimal(bound, 6) + " of the exact one"
                            : std::string()) +
      ". Log-loss and Brier score are exact sums. " + count(report.ways.front().figures.n_scored) + " of " +
      count(report.n_rows) + " rows were scored by a model; rules or the safe default decided the rest.");
  if (!report.slice_tables.empty())
    out += html_paragraph(
        "PSI compares the final probability of a slice with that of a reference slice: sum of (a - e) ln(a / e) over "
        "ten bins between the deciles of the reference, with half a row added to every count. Below 0.1 is usually "
        "read "
        "as stable, above 0.25 as shifted.");
  if (report.n_by_level[1] + report.n_by_level[2] + report.n_by_level[3] > 0)
    out += html_paragraph("Rows by level: L0 " + count(report.n_by_level[0]) + ", L1 " + count(report.n_by_level[1]) +
                          ", L2 " + count(report.n_by_level[2]) + ", L3 " + count(report.n_by_level[3]) + ".");
  for (const auto& warning : report.warnings) out += html_paragraph(warning, "note");
  return out + "<p class=\"muted small\">Bundle <span class=\"mono\">sha256:" + escape_html(report.bundle) +
         "</span></p>\n</body>\n</html>\n";
}

}  // namespace

std::string report_html(const Report& report) {
  std::string out = html_head("Backtest" + (report.data.empty() ? std::string() : " · " + report.data), kHtmlStyle);
  out +=
      opening(report) + ways_section(report) + curves_section(report) + band_section(report) + levels_section(report);
  for (const SliceTable& table : report.slice_tables) out += slice_section(table);
  return out + challenger_section(report) + closing(report);
}

}  // namespace sluice::backtest
