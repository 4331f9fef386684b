#pragma once
/// Short ways to write a rule set in a test.

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/rules/ruleset.h"
#include "support/catch.h"

namespace sluice::test {

using Json = nlohmann::json;
using namespace sluice::rules;

inline const double kMissing = std::nan("");

inline Json rule_json(const std::string& id, const std::string& when, const std::string& action = "REVIEW",
                      const std::string& on_missing = "SKIP") {
  return {{"id", id},
          {"when", when},
          {"on_missing", on_missing},
          {"then", {{"action", action}, {"reason", "REASON_" + id}}}};
}

inline Json document(std::vector<Json> rules, const std::string& hit_policy = "priority") {
  return {{"ruleset", "test"},
          {"version", 1},
          {"hit_policy", hit_policy},
          {"priority", {"DECLINE", "REVIEW", "APPROVE"}},
          {"rules", std::move(rules)}};
}

inline std::string messages(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& d : diagnostics) text += to_string(d) + "\n";
  return text;
}

inline RuleSet compiled(const Json& json, const Schema& schema, Phase phase = Phase::post) {
  CompileResult result = RuleSet::compile(json.dump(), "rules/test.json", schema, phase);
  INFO(messages(result.diagnostics));
  REQUIRE(result.rules.has_value());
  return *result.rules;
}

/// The diagnostics of one condition; empty if it compiles.
inline std::string faults_of(const std::string& when, const Schema& schema, Phase phase = Phase::post) {
  return messages(
      RuleSet::compile(document({rule_json("R1", when)}).dump(), "rules/pre.json", schema, phase).diagnostics);
}

inline Truth truth_of(const std::string& when, const Schema& schema, const std::vector<double>& row,
                      const ModelOutputs& models = {}) {
  CAPTURE(when);
  return compiled(document({rule_json("R1", when)}), schema).trace(row, models).rules[0].truth;
}

}  // namespace sluice::test
