#pragma once
// The JSON of a rule set, parsed except for its conditions.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/rules/ruleset.h"

namespace sluice::rules {

/// One of a rule set's tests. Unset members are not checked.
struct RuleTest {
  std::vector<double> row;
  ModelOutputs given;
  std::optional<Action> action;
  std::optional<std::int64_t> points;
  std::optional<bool> undecided;
  std::optional<std::vector<std::string>> fired, missing;  // ids, sorted
};

/// A constant or a derived field, before its text is parsed.
struct Definition {
  std::string name, text, pointer;
};

/// A list, before its members are parsed. It has either a file or members.
struct ListSource {
  std::string name, column, file, pointer;
  std::vector<std::string> members;
};

/// The action for this number of points or more.
struct CutOff {
  std::int64_t at_least = 0;
  Action action = Action::none;
};

struct Document {
  std::string name;
  std::int64_t version = 0;
  HitPolicy hit_policy = HitPolicy::priority;
  std::array<std::uint8_t, 4> rank{};    // of each action; the smallest has priority
  std::vector<CutOff> points_to_action;  // the highest first
  std::size_t max_cost = kMaxCost;
  std::vector<Definition> constants, derived;
  std::vector<ListSource> lists;
  std::vector<Rule> rules;
  std::vector<bool> has_when;  // of each rule
  std::vector<RuleTest> tests;
  std::string canonical;  // the document independent of spacing and key order
};

/// nullopt if `json` is not JSON. Every fault is added to `out`.
std::optional<Document> read_document(std::string_view json, const std::string& source, const Schema& schema,
                                      Phase phase, std::vector<Diagnostic>& out);

}  // namespace sluice::rules
