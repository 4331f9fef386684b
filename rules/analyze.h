#pragma once
/// What can be proved of a rule set: rules that never hold or always do, rules that another always beats, two rules
/// that fire together, rows that no rule decides.
///
/// Each column's values fall into cells (the intervals between the bounds that the rules name, the bounds, the words,
/// missing) in which no comparison of that column changes; a condition is a union of boxes of cells. A comparison that
/// reads several columns, or calculates, may hold or not whatever their cells are: a proof stands all the same, and
/// what is found counts only with a row that the evaluator confirms. Everything else is reported as undecided.
/// Deterministic; bounded in time (AnalyzeOptions).

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sluice/rules/ruleset.h"

namespace sluice::rules {

enum class Property {
  unreachable,    // no row makes the condition true: proved, no witness
  always_true,    // every row does, missing values included; a condition that is just `true` is not reported
  never_decides,  // wherever the rule fires, one that wins over it fires too: proved, no witness
  overlap,        // the two rules fire on the witness, with different actions or under hit policy `unique`
  gap,            // no rule fires on the witness
};

struct Finding {
  Property property = Property::unreachable;
  std::size_t rule = 0, other = 0;  // positions; `other` of an overlap alone, neither of a gap
  /// An overlap that the hit policy resolves, or a gap: worth knowing, not wrong in itself.
  bool is_note = false;
  std::vector<double> row;  // the witness, empty where there is none
  ModelOutputs given;
};

/// Where the steps are used up, the first question that is left open stands for those behind it.
struct Undecided {
  Property property = Property::unreachable;
  std::size_t rule = 0, other = 0;
  std::string why;
};

struct AnalyzeOptions {
  std::size_t max_boxes = 128;          // of one condition
  std::size_t max_steps = 100'000'000;  // of about 10 ns, for each of the six parts of the work
  std::size_t max_overlaps = 100;       // then no more are looked for
};

struct Analysis {
  std::vector<Finding> findings;
  std::vector<Undecided> undecided;
  bool are_overlaps_complete = true;  // false: more pairs were not looked at
};

Analysis analyze(const RuleSet& rules, const AnalyzeOptions& options = {});

/// "R1 and R2 both fire where amount = 9000, country = NL".
std::string to_string(const Finding& finding, const RuleSet& rules);
std::string to_string(const Undecided& undecided, const RuleSet& rules);

}  // namespace sluice::rules
