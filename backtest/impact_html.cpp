#include <cmath>

#include "sluice/backtest/html_parts.h"
#include "sluice/backtest/impact_report.h"
#include "sluice/base/number.h"

namespace sluice::backtest {
namespace {

using cascade::Action;

constexpr Action kShown[] = {Action::approve, Action::review, Action::decline, Action::none};

std::size_t at(Action action) { return static_cast<std::size_t>(action); }

std::string opening(const ImpactReport& report) {
  std::string out = "<h1>Change of policy " + std::to_string(report.before.policy_version) + " → " +
                    std::to_string(report.after.policy_version) + "</h1>\n<p class=\"muted\">" +
                    escape_html(report.data) + " · bundle <span class=\"mono\">" +
                    escape_html(report.bundle.substr(0, 16)) + "</span></p>\n<div class=\"tiles\">\n";
  out += html_tile(count(report.n_rows), "decisions");
  out += html_tile(count(report.n_changed), percent(report.changed_share(), 2) + " change action");
  out += html_tile(percent(report.before.approve_rate) + " → " + percent(report.after.approve_rate), "approved");
  out += html_tile(signed_decimal(report.after.cost - report.before.cost, 2), "change of total cost");
  return out + "</div>\n";
}

std::string log_section(const ImpactReport& report) {
  if (!report.log) return {};
  const ImpactLog& log = *report.log;
  std::string out = html_heading("Decision log");
  out += html_paragraph(
      "The log is whole: " + count(log.n_entries) + " entries, " + count(log.n_covered) +
          " of them under signed checkpoints. " +
          (log.is_certificate() ? "The old policy reproduces every stored decision, bit for bit."
                                : count(log.n_different) + " of " + count(report.n_rows) +
                                      " stored decisions are NOT reproduced by the old policy: this report is "
                                      "not a certificate."),
      log.is_certificate() ? "" : "note");
  if (log.n_erased > 0)
    out += html_paragraph(count(log.n_erased) + " decisions belong to erased subjects and are not counted.");
  if (log.n_other_bundle > 0)
    out += html_paragraph(count(log.n_other_bundle) + " decisions were made by another bundle and are not counted.",
                          "note");
  for (const auto& difference : log.differences) out += html_paragraph(difference, "small mono");
  return out + "<p class=\"muted small\">Log <span class=\"mono\">" + escape_html(log.log) +
         "</span>, root <span class=\"mono\">" + escape_html(log.root) + "</span></p>\n";
}

std::string policy_section(const ImpactReport& report) {
  if (report.differences.empty()) return html_heading("The policies") + html_paragraph("They are equal.");
  HtmlTable table({"field", "before", "after"});
  for (const auto& d : report.differences)
    table.row({d.pointer, d.before.empty() ? "–" : d.before, d.after.empty() ? "–" : d.after});
  return html_heading("The policies") + table.finish();
}

std::string actions_section(const ImpactReport& report) {
  HtmlTable table({"before \\ after", "APPROVE", "REVIEW", "DECLINE", "none"});
  for (const Action from : kShown) {
    std::vector<std::string> cells = {rules::to_string(from)};
    for (const Action to : kShown) cells.push_back(count(report.actions[at(from)][at(to)].n_rows));
    table.row(cells);
  }
  HtmlTable swaps({"", "decisions", "known bad", "known good", "expected bad"});
  for (const Action from : kShown)
    for (const Action to : kShown) {
      const ImpactCell& cell = report.actions[at(from)][at(to)];
      if (from == to || cell.n_rows == 0) continue;
      swaps.row({std::string(rules::to_string(from)) + " → " + rules::to_string(to), count(cell.n_rows),
                 count(cell.n_bad), count(cell.n_good),
                 cell.n_expected > 0 ? decimal(cell.sum_p, 1) + " of " + count(cell.n_expected) : "–"});
    }
  return html_heading("Swap set") + table.finish() + swaps.finish();
}

std::string sides_section(const ImpactReport& report) {
  HtmlTable table({"", "approved", "reviewed", "declined", "forwarded", "L0", "L1", "L2", "L3", "cost"});
  const auto row = [&](const char* name, const ImpactSide& side) {
    table.row({name, percent(side.approve_rate, 2), percent(side.review_rate, 2), percent(side.decline_rate, 2),
               count(side.n_forwarded), count(side.n_by_level[0]), count(side.n_by_level[1]), count(side.n_by_level[2]),
               count(side.n_by_level[3]), decimal(side.cost, 2)});
  };
  row("before", report.before);
  row("after", report.after);
  std::string out = html_heading("Before and after") + table.finish();
  if (report.n_without_late > 0)
    out += html_paragraph(
        count(report.n_without_late) +
            " decisions would be newly forwarded: their late columns were never fetched, so the network ran without "
            "them here.",
        "note");
  return out;
}

std::string segment_section(const ImpactTable& table) {
  std::vector<std::string> heads = {table.column, "decisions", "changed", "approved before", "after", "cost change"};
  if (table.is_protected) heads.insert(heads.end(), {"impact ratio before", "after"});
  HtmlTable text(heads);
  for (const ImpactSegment& s : table.segments) {
    std::vector<std::string> cells = {s.name,
                                      count(s.n_rows),
                                      count(s.n_changed),
                                      percent(s.approve_before, 2),
                                      percent(s.approve_after, 2),
                                      signed_decimal(s.cost_change, 2)};
    if (table.is_protected) cells.insert(cells.end(), {decimal(s.impact_before, 3), decimal(s.impact_after, 3)});
    text.row(cells);
  }
  std::string out = html_heading("By " + table.column) + text.finish();
  if (table.is_protected)
    out += html_paragraph(
        "Impact ratio: a group's approval rate divided by the highest approval rate of all groups. Below 0.8 is "
        "usually "
        "read as adverse impact.",
        "muted small");
  return out;
}

std::string largest_section(const ImpactReport& report) {
  if (report.largest.empty()) return {};
  HtmlTable table({"id", report.log ? "entry" : "row", "from", "to", "level", "p", "outcome", "cost change"});
  for (const ImpactChange& c : report.largest) {
    const std::string from = cascade::to_string(c.level_from), to = cascade::to_string(c.level_to);
    table.row({c.id.empty() ? "–" : c.id, std::to_string(c.row), rules::to_string(c.from), rules::to_string(c.to),
               from == to ? from : from + " → " + to, decimal(c.p, 4), c.is_bad ? (*c.is_bad ? "bad" : "good") : "–",
               signed_decimal(c.cost_change, 4)});
  }
  return html_heading("Largest changes") + table.finish();
}

std::string closing(const ImpactReport& report) {
  const cascade::Costs& costs = report.costs;
  const std::string source = report.costs_from == "given"    ? "as given"
                             : report.costs_from == "bundle" ? "those that the bundle was trained for"
                                                             : "default, from the bad rate";
  return html_heading("Method") +
         html_paragraph(
             "Costs (" + source + "): a good request declined " + number_text(costs.false_positive) +
             ", a bad one approved " + number_text(costs.false_negative) + ", a review " +
             (costs.review ? number_text(*costs.review) : std::string("counts as a decline: no review cost is given")) +
             ", forwarding " + number_text(report.price) + ".") +
         html_paragraph(
             "The outcome of " + count(report.n_labelled) + " decisions is known; for " + count(report.n_expected) +
             " it is the expectation by the calibrated probability, the network's if it ran; " +
             count(report.n_unpriced) + " have neither and are not priced. Actions are final, including rules.") +
         "<p class=\"muted small\">Bundle <span class=\"mono\">sha256:" + escape_html(report.bundle) +
         "</span></p>\n</body>\n</html>\n";
}

}  // namespace

std::string impact_html(const ImpactReport& report) {
  std::string out = html_head("Change of policy · " + report.data, kHtmlStyle);
  out +=
      opening(report) + log_section(report) + policy_section(report) + actions_section(report) + sides_section(report);
  for (const ImpactTable& table : report.tables) out += segment_section(table);
  return out + largest_section(report) + closing(report);
}

}  // namespace sluice::backtest
