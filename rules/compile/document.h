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
  ModelOutputs given;
  std::optional<Action> action;
  std::optional<std::int64_t> points;
  std::optional<bool> undecided;
  std::optional<std::vector<std::string>> fired, missing;  // ids, sorted
};

/// A constant or a derived field, before its text is read.
struct Definition {
  std::string name, text, pointer;
};

/// A list, before its members are read. Either has a file or members.
struct ListSource {
  std::string name, column, file, pointer;
  std::vector<std::string> members;
};

/// From so many points on, this action.
struct CutOff {
  std::int64_t at_least = 0;
  Action action = Action::none;
};

struct Document {
  std::string name;
  std::int64_t version = 0;
  HitPolicy hit_policy = HitPolicy::priority;
  std::array<std::uint8_t, 4> rank{};    // of each action; the smallest wins
  std::vector<CutOff> points_to_action;  // the highest first
  std::size_t max_cost = kMaxCost;
  std::vector<Definition> constants, derived;
  std::vector<ListSource> lists;
  std::vector<Rule> rules;
  std::vector<bool> has_when;  // of each rule
  std::vector<RuleTest> tests;
  std::string canonical;  // the document without regard to spacing and the order of keys
};

/// nullopt where `json` is no JSON. Every fault goes to `out`.
std::optional<Document> read_document(std::string_view json, const std::string& source, const Schema& schema,
                                      Phase phase, std::vector<Diagnostic>& out);

}  // namespace sluice::rules
