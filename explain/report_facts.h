#pragma once
/// Facts that both reports state about an explanation. Not installed.

#include <string>
#include <vector>

#include "sluice/explain/explainer.h"

namespace sluice::explain {

/// The cut-offs that were applied to this decision.
const cascade::Cutoffs& cutoffs_of(const cascade::Bundle& bundle, const cascade::Decision& d);

/// The edge nearest to a probability.
struct Edge {
  const char* name;     // "approve_below"
  double at, distance;  // p - at: negative below
};
Edge nearest_cutoff(const cascade::Cutoffs& cutoffs, double p);
Edge nearest_band_edge(const cascade::Band& band, double p);

/// The source of the action: "network", "forest", "rules" or "safe default".
std::string served_by(const cascade::Decision& d);

/// The rules that decided, at most one per phase.
struct DecidingRule {
  rules::Phase phase;
  const rules::Rule& rule;
};
std::vector<DecidingRule> deciding_rules(const cascade::Bundle& bundle, const Explanation& e);

const rules::RuleSet& rules_of(const cascade::Bundle& bundle, rules::Phase phase);

/// Schema columns with a contribution, the largest first, ties in column order.
std::vector<std::size_t> by_size(const Attribution& attribution);

/// The calibration under which the attribution's margins are probabilities.
cascade::Platt link_of(const cascade::Bundle& bundle, const Attribution& attribution, const cascade::Decision& d);

/// A cell as text for people; "missing" for NaN.
std::string display_cell(const Schema& schema, std::size_t column, double cell);

/// The row as one JSON object: numbers as numbers, infinities and categories as strings, missing cells as null.
std::string inputs_json(const Schema& schema, RowView row);

}  // namespace sluice::explain
