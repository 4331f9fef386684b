#pragma once
// The JSON of a rule set, read but for its conditions.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/rules/ruleset.h"

namespace sluice::rules {

/// One of the tests that a rule set carries. What it does not expect is empty.
struct RuleTest {
  std::vector<double> row;
  std::array<double, 5> models{};
  std::optional<Action> action;
  std::optional<bool> undecided;
  std::optional<std::vector<std::string>> fired, missing;  // ids, sorted
};

struct Document {
  std::string name;
  std::int64_t version = 0;
  HitPolicy hit_policy = HitPolicy::priority;
  std::array<std::uint8_t, 4> rank{};  // of each action; the smallest wins
  std::vector<Rule> rules;
  std::vector<bool> has_when;  // of each rule
  std::vector<RuleTest> tests;
  std::string canonical;  // the document without regard to spacing and the order of keys
};

/// nullopt where `json` is no JSON. Every fault goes to `out`.
std::optional<Document> read_document(std::string_view json, const std::string& source, const Schema& schema,
                                      Phase phase, std::vector<Diagnostic>& out);

}  // namespace sluice::rules
