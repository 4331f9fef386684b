#include <charconv>
#include <cmath>

#include "sluice/base/number.h"
#include "sluice/base/version.h"
#include "sluice/explain/report.h"
#include "sluice/explain/report_facts.h"
#include "sluice/explain/report_figures.h"
#include "sluice/report/html_text.h"
#include "sluice/report/numbers.h"

namespace sluice::explain {
namespace {

using cascade::Decision;
using rules::Action;

// Parts of unbounded length are cut by their size on the page, so that 60 KB are enough for any schema and rule set.
constexpr std::size_t kMaxInputBytes = 22000, kMaxRuleBytes = 10000;
constexpr std::size_t kNameCharacters = 60, kTextCharacters = 160;

std::string tile(const std::string& value, std::string_view label, std::string_view css = {}) {
  return "<div class=\"tile\"><b" + (css.empty() ? "" : " class=\"" + std::string(css) + "\"") + ">" + value +
         "</b><span>" + std::string(label) + "</span></div>\n";
}

std::string row_of(std::string_view name, const std::string& value) {
  return "<tr><td>" + std::string(name) + "</td><td>" + value + "</td></tr>\n";
}

std::string_view action_word(Action action) {
  return action == Action::approve   ? "Approved"
         : action == Action::decline ? "Declined"
         : action == Action::review  ? "Sent to review"
                                     : "Undecided";
}

std::string_view action_css(Action action) {
  return action == Action::approve ? "approve" : action == Action::decline ? "decline" : "review";
}

std::string request_name(const ReportContext& context) {
  return context.id.empty() ? "row " + std::to_string(context.row) : "request " + clipped(context.id, kNameCharacters);
}

std::string headline(const cascade::Bundle& bundle, const Explanation& e, const ReportContext& context) {
  const Decision& d = e.decision;
  std::string out = "<h1><span class=\"" + std::string(action_css(d.action)) + "\">" +
                    std::string(action_word(d.action)) + "</span>: " + request_name(context) + "</h1>\n";
  out += "<p class=\"muted\">" +
         (context.id.empty() ? std::string("Decided") : "Row " + std::to_string(context.row) + ", decided") +
         " by bundle <code>" + bundle.digest.hex().substr(0, 12) + "</code>, policy version " +
         std::to_string(bundle.policy.version) + "</p>\n<div class=\"tiles\">\n";
  if (d.forest.ran)
    out += tile(decimal(d.p_final, 4),
                bundle.label.empty() ? "final probability" : "probability of " + clipped(bundle.label, 40));
  out += tile(served_by(d), "decided by") + tile(to_string(d.level), d.cause == cascade::Cause::none
                                                                         ? "level: everything worked"
                                                                         : std::string("level: ") + to_string(d.cause));
  if (d.forest.ran) {
    const Edge edge = nearest_cutoff(cutoffs_of(bundle, d), d.p_final);
    out += tile(decimal(std::abs(edge.distance), 4),
                std::string(edge.distance < 0 ? "below" : "above") +
                    (edge.at == cutoffs_of(bundle, d).decline_from ? " the cut-off to decline at "
                                                                   : " the cut-off to approve at ") +
                    number_text(edge.at));
  }
  return out + "</div>\n";
}

std::string columns_text(const Schema& schema, const Explanation& e, const RankedReason& reason) {
  std::string out;
  for (const std::size_t c : reason.columns)
    out += (out.empty() ? "" : ", ") + schema[c].name + " = " + display_cell(schema, c, e.row[c]);
  return clipped(out, kTextCharacters);
}

std::string reason_row(const std::string& code, const std::string& text, const std::string& read,
                       const std::string& phi) {
  return "<tr><td class=\"id\"><code>" + code + "</code></td><td>" + text + "</td><td>" + read +
         "</td><td class=\"num\">" + phi + "</td></tr>\n";
}

std::string reasons_section(const cascade::Bundle& bundle, const Explanation& e) {
  std::string rows;
  for (const auto& [phase, rule] : deciding_rules(bundle, e))
    rows += reason_row(clipped(rule.reason, kNameCharacters),
                       clipped(rule.description.empty() ? rule.when : rule.description, kTextCharacters),
                       "rule " + clipped(rule.id, kNameCharacters), "decides");
  bool tied = false;
  for (const RankedReason& r : e.reasons) {
    rows +=
        reason_row(clipped(r.reason.code, kNameCharacters), clipped(r.text, kTextCharacters),
                   columns_text(bundle.schema, e, r), signed_decimal(r.reason.phi, 3) + (r.is_tied ? " (tied)" : ""));
    tied = tied || r.is_tied;
  }
  const std::string head = "<h2>Main reasons</h2>\n";
  if (rows.empty()) return e.attribution ? head + "<p>No column raised the risk above the base value.</p>\n" : "";
  return head +
         "<table>\n<tr><th>Code</th><th>Reason</th><th>Based on</th><th class=\"num\">Raises log-odds "
         "by</th></tr>\n" +
         rows + "</table>\n" +
         (tied ? "<p class=\"muted small\">Tied reasons are equal to nine decimals and are listed in the order of "
                 "their columns.</p>\n"
               : "");
}

std::string_view what_is_explained(const Attribution& a, const Decision& d) {
  if (a.game == Game::system) return "the calibrated log-odds of the whole system, including its routing";
  if (a.game == Game::stage_margin) return "the forest's margin, which determined the route";
  return d.network.ran ? "the margin of the network, which served this request, with a fixed route"
                       : "the margin of the forest, which served this request";
}

std::string method_text(const Attribution& a) {
  std::string out;
  if (a.method == Method::tree)
    return "Exact path-dependent Shapley values of the trees; the base is the expected margin over the training data.";
  out = a.method == Method::exact ? "Exact Shapley values over all coalitions"
                                  : "Shapley values from " + std::to_string(a.n_permutations) +
                                        " permutations for each background row, ± one standard error";
  out += ", against the " + std::to_string(a.background.n_rows) + " rows of the background <code>" +
         clipped(a.background.name, kNameCharacters) + "</code>.";
  if (!std::isnan(a.off_route_fraction))
    out += " " + decimal(100 * a.off_route_fraction, 1) +
           " % of the mixed rows would not have been forwarded; the fixed route differs from theirs.";
  return out;
}

/// Three significant digits.
std::string rounded(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, 3).ptr};
}

/// The absolute value to one digit: "2e-16".
std::string magnitude(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, std::abs(value), std::chars_format::scientific, 0).ptr};
}

std::string waterfall_section(const cascade::Bundle& bundle, const Explanation& e) {
  if (!e.attribution) return {};
  return "<h2>What moved the score</h2>\n<p>This explains " +
         std::string(what_is_explained(*e.attribution, e.decision)) + " (game <code>" + to_string(e.attribution->game) +
         "</code>). <span class=\"decline\">Red</span> raises the risk, <span style=\"color:var(--down)\">blue</span> "
         "lowers it.</p>\n" +
         waterfall(bundle, e) + "<p class=\"muted small\">" + method_text(*e.attribution) +
         " Base and contributions add up to the served value to within " + magnitude(e.attribution->residual) +
         ".</p>\n";
}

std::string tracks_section(const cascade::Bundle& bundle, const Decision& d) {
  if (!d.forest.ran) return {};
  std::string out = "<h2>Distance to the thresholds</h2>\n" + threshold_tracks(bundle, d) + "<p class=\"muted small\">";
  if (const auto& band = bundle.policy.band) {
    const Edge edge = nearest_band_edge(*band, d.forest.p);
    out += "The forest's probability is " + std::string(band->contains(d.forest.p) ? "inside" : "outside") +
           " the band, " + decimal(std::abs(edge.distance), 4) + (edge.distance < 0 ? " below" : " above") + " its " +
           edge.name + " edge. ";
    if (!std::isnan(d.gain))
      out += "The network was expected to save " + rounded(static_cast<double>(d.gain)) + " here; it is used from " +
             rounded(*band->min_gain) + " on. ";
  }
  const Edge edge = nearest_cutoff(cutoffs_of(bundle, d), d.p_final);
  return out + "The final probability is " + decimal(std::abs(edge.distance), 4) +
         (edge.distance < 0 ? " below" : " above") + " the nearest cut-off.</p>\n";
}

std::string rule_row(const rules::RuleSet& rules, std::size_t i, const PhaseTrace& phase) {
  const auto& rule = rules.rule(i);
  const auto& trace = phase.trace.rules[i];
  std::string values;
  for (const auto& value : trace.values)
    values += (values.empty() ? "" : ", ") + value.name + " = " + (value.text.empty() ? "missing" : value.text);
  return "<tr><td>" + std::string(to_string(phase.phase)) + "</td><td><code>" + clipped(rule.id, kNameCharacters) +
         "</code>" + (i == phase.trace.outcome.decisive ? " <b>decides</b>" : "") + "</td><td>" +
         (trace.action != Action::none ? rules::to_string(trace.action)
          : trace.fired                ? "fires"
                                       : "unknown") +
         "</td><td>" + clipped(rule.description.empty() ? rule.when : rule.description, kTextCharacters) +
         "<br><code>" + clipped(values, kTextCharacters) + "</code></td></tr>\n";
}

std::string rules_section(const cascade::Bundle& bundle, const Explanation& e) {
  std::string rows;
  std::size_t n_rules = 0, n_left_out = 0;
  for (const PhaseTrace& phase : e.phases) {
    const auto& rules = rules_of(bundle, phase.phase);
    n_rules += rules.size();
    for (std::size_t i = 0; i < phase.trace.rules.size(); ++i) {
      if (!phase.trace.rules[i].fired && phase.trace.rules[i].truth != rules::Truth::missing) continue;
      const std::string row = rule_row(rules, i, phase);
      if (rows.size() + row.size() > kMaxRuleBytes)
        ++n_left_out;
      else
        rows += row;
    }
  }
  if (e.phases.empty()) return {};
  std::string out = "<h2>Rules</h2>\n";
  if (!e.attribution)
    out +=
        "<p>The action comes from rules or the safe default. They are the explanation; there is no score to "
        "explain.</p>\n";
  if (rows.empty()) return out + "<p>" + std::to_string(n_rules) + " rules were evaluated; none fired.</p>\n";
  out += "<table>\n<tr><th>Phase</th><th>Rule</th><th>Action</th><th>Why</th></tr>\n" + rows + "</table>\n";
  if (n_left_out > 0)
    out += "<p class=\"muted small\">" + std::to_string(n_left_out) + " more are in the JSON report.</p>\n";
  return out;
}

std::vector<std::size_t> input_order(const Schema& schema, const Explanation& e) {
  std::vector<std::size_t> order;
  if (e.attribution) order = by_size(*e.attribution);
  std::vector<bool> taken(schema.size());
  for (const std::size_t c : order) taken[c] = true;
  for (std::size_t c = 0; c < schema.size(); ++c)
    if (!taken[c]) order.push_back(c);
  return order;
}

std::string inputs_section(const Schema& schema, const Explanation& e) {
  std::string rows;
  std::size_t n_shown = 0;
  const bool is_sampled = e.attribution && e.attribution->n_permutations > 0;
  for (const std::size_t c : input_order(schema, e)) {
    std::string row = "<tr><td>" + clipped(schema[c].name, kNameCharacters) + "</td><td>" +
                      clipped(display_cell(schema, c, e.row[c]), kNameCharacters) + "</td>";
    if (e.attribution) {
      const double phi = e.attribution->phi[c], error = e.attribution->standard_error[c];
      row += "<td class=\"num\">" + (phi != 0 ? signed_decimal(phi, 4) : "0") + "</td>";
      if (is_sampled) row += "<td class=\"num muted\">" + (error > 0 ? "±" + decimal(error, 4) : "") + "</td>";
    }
    row += "</tr>\n";
    if (rows.size() + row.size() > kMaxInputBytes) break;
    rows += row;
    ++n_shown;
  }
  std::string out = "<h2>The request</h2>\n<table>\n<tr><th>Column</th><th>Value</th>";
  if (e.attribution) out += "<th class=\"num\">Contribution</th>";
  if (is_sampled) out += "<th class=\"num\">Standard error</th>";
  out += "</tr>\n" + rows + "</table>\n";
  if (n_shown < schema.size())
    out += "<p class=\"muted small\">" + std::to_string(schema.size() - n_shown) +
           " more columns are in the JSON report.</p>\n";
  return out;
}

/// The times of the stages that ran, then of the whole decision.
std::string time_text(const cascade::TimingsUs& us) {
  if (std::isnan(us.total)) return "not measured";
  std::string text;
  if (!std::isnan(us.forest)) text += "forest " + decimal(us.forest, 1) + " µs, ";
  if (!std::isnan(us.network)) text += "network " + decimal(us.network, 1) + " µs, ";
  return text + "whole decision " + decimal(us.total, 1) + " µs";
}

std::string provenance_section(const Explainer& explainer, const Explanation& e) {
  const cascade::Bundle& bundle = explainer.engine().bundle();
  const auto& us = e.decision.timings_us;
  std::string path;
  for (std::size_t s = 0; s < cascade::kStageCount; ++s)
    if (e.decision.path[s])
      path += (path.empty() ? "" : " → ") + std::string(to_string(static_cast<cascade::Stage>(s)));
  std::string out = "<h2>How it was made</h2>\n<table>\n" + row_of("Path", path) +
                    row_of("Level", to_string(e.decision.level)) +
                    (e.decision.cause == cascade::Cause::none ? "" : row_of("Cause", to_string(e.decision.cause)));
  out += row_of("Time", time_text(us));
  out += row_of("Bundle", "<code>sha256:" + bundle.digest.hex() + "</code>") +
         row_of("Policy", "version " + std::to_string(bundle.policy.version));
  for (const auto& [name, rules] : {std::pair("Pre rules", &bundle.pre), std::pair("Fallback rules", &bundle.fallback),
                                    std::pair("Post rules", &bundle.post)})
    if (*rules)
      out +=
          row_of(name, clipped((*rules)->name(), kNameCharacters) + ", version " + std::to_string((*rules)->version()) +
                           "<br><code>sha256:" + (*rules)->digest().hex() + "</code>");
  if (e.attribution && !e.attribution->background.name.empty())
    out += row_of("Background", clipped(e.attribution->background.name, kNameCharacters) +
                                    "<br><code>sha256:" + e.attribution->background.digest.hex() + "</code>");
  out += row_of("Inputs", "<code>sha256:" + sha256(inputs_json(bundle.schema, e.row)).hex() + "</code>") +
         row_of("Seed", std::to_string(explainer.seed())) + row_of("Engine", std::string("sluice ") + version());
  return out + "</table>\n";
}

constexpr std::string_view kNote =
    R"(<p class="note">Contributions are not causes. They show how this model computed its score from these inputs, compared with the base named above. They do not show what would happen in the world if an input changed, and correlated columns share their joint effect. Another game or background gives other numbers.</p>
)";

}  // namespace

std::string report_html(const Explainer& explainer, const Explanation& e, const ReportContext& context) {
  const cascade::Bundle& bundle = explainer.engine().bundle();
  std::string out = html_head(std::string(action_word(e.decision.action)) + ": row " + std::to_string(context.row));
  out += headline(bundle, e, context) + reasons_section(bundle, e) + waterfall_section(bundle, e) +
         tracks_section(bundle, e.decision) + rules_section(bundle, e);
  out += inputs_section(bundle.schema, e) + provenance_section(explainer, e);
  if (e.attribution) out += kNote;
  return out + "</body>\n</html>\n";
}

}  // namespace sluice::explain
