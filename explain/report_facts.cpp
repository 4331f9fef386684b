#include "sluice/explain/report_facts.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/json_text.h"

namespace sluice::explain {

using cascade::Decision;
using cascade::Stage;

const cascade::Cutoffs& cutoffs_of(const cascade::Bundle& bundle, const Decision& d) {
  return d.level == cascade::Level::L0 ? bundle.policy.level0 : bundle.policy.level1;
}

Edge nearest_cutoff(const cascade::Cutoffs& cutoffs, double p) {
  const Edge approve{"approve_below", cutoffs.approve_below, p - cutoffs.approve_below};
  const Edge decline{"decline_from", cutoffs.decline_from, p - cutoffs.decline_from};
  return std::abs(approve.distance) < std::abs(decline.distance) ? approve : decline;
}

Edge nearest_band_edge(const cascade::Band& band, double p) {
  const Edge low{"low", band.low, p - band.low}, high{"high", band.high, p - band.high};
  return std::abs(low.distance) < std::abs(high.distance) ? low : high;
}

std::string served_by(const Decision& d) {
  if (d.took(Stage::safe_default)) return "safe default";
  if (d.took(Stage::pre_rules) || d.took(Stage::post_rules) || d.took(Stage::fallback_rules)) return "rules";
  return d.network.ran ? "network" : "forest";
}

const rules::RuleSet& rules_of(const cascade::Bundle& bundle, rules::Phase phase) {
  return phase == rules::Phase::pre ? *bundle.pre : phase == rules::Phase::fallback ? *bundle.fallback : *bundle.post;
}

std::vector<DecidingRule> deciding_rules(const cascade::Bundle& bundle, const Explanation& e) {
  std::vector<DecidingRule> found;
  for (const PhaseTrace& phase : e.phases)
    if (const auto decisive = phase.trace.outcome.decisive; decisive != rules::kNoRule)
      found.push_back({phase.phase, rules_of(bundle, phase.phase).rule(decisive)});
  return found;
}

std::vector<std::size_t> by_size(const Attribution& attribution) {
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < attribution.phi.size(); ++c)
    if (attribution.phi[c] != 0) columns.push_back(c);
  std::stable_sort(columns.begin(), columns.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(attribution.phi[a]) > std::abs(attribution.phi[b]);
  });
  return columns;
}

cascade::Platt link_of(const cascade::Bundle& bundle, const Attribution& attribution, const Decision& d) {
  if (attribution.game == Game::system) return {};
  return attribution.game == Game::served_path && d.network.ran ? bundle.calibration.network
                                                                : bundle.calibration.forest;
}

std::string display_cell(const Schema& schema, std::size_t column, double cell) {
  if (std::isnan(cell)) return "missing";
  if (schema[column].kind == Kind::time) return format_time(cell);
  std::string text = schema.format_cell(column, cell);
  if (schema[column].kind == Kind::number && !schema[column].unit.empty()) text += " " + schema[column].unit;
  return text;
}

std::string inputs_json(const Schema& schema, RowView row) {
  std::string text;
  JsonText json(text);
  json.open('{');
  for (std::size_t c = 0; c < row.size(); ++c) {
    json.key(schema[c].name);
    if (schema[c].kind == Kind::category && !std::isnan(row[c]))
      json.value(std::string_view(schema.format_cell(c, row[c])));
    else if (std::isinf(row[c]))
      json.value(row[c] > 0 ? "inf" : "-inf");
    else
      json.value(row[c]);
  }
  json.close('}');
  return text;
}

}  // namespace sluice::explain
