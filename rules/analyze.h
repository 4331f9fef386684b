#pragma once
/// Static analysis of a rule set: rules that never hold or always hold, rules that another rule always overrides, pairs
/// of rules that fire together, rows that no rule decides.
///
/// Each column's values are divided into cells (the bounds that the rules use, the intervals between them, the words,
/// missing) within which no comparison of that column changes. A condition is a union of boxes of cells. A comparison
/// that reads several columns, or calculates, may hold or not in any cell. Proofs remain valid, and a finding counts
/// only with a row that the evaluator confirms. Everything else is reported as undecided.
/// Deterministic; bounded in time (AnalyzeOptions).
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sluice/rules/ruleset.h"

namespace sluice::rules {

enum class Property {
  unreachable,  // no row makes the condition true: proved, no witness
  // Every row makes the condition true, also with missing values. A condition that is just `true` is not reported.
  always_true,
  never_decides,  // wherever the rule fires, a rule that overrides it fires too: proved, no witness
  overlap,        // the two rules fire on the witness, with different actions or under hit policy `unique`
  gap,            // no rule fires on the witness
};

struct Finding {
  Property property = Property::unreachable;
  std::size_t rule = 0, other = 0;  // positions; `other` only for an overlap, neither for a gap
  /// An overlap that the hit policy resolves, or a gap: worth knowing, but not an error.
  bool is_note = false;
  std::vector<double> row;  // the witness; empty if there is none
  ModelOutputs given;
};

/// When the steps are used up, the first open question represents those after it.
struct Undecided {
  Property property = Property::unreachable;
  std::size_t rule = 0, other = 0;
  std::string why;
};

struct AnalyzeOptions {
  std::size_t max_boxes = 128;          // per condition
  std::size_t max_steps = 100'000'000;  // of about 10 ns, for each of the six parts of the work
  std::size_t max_overlaps = 100;       // the search stops at this number
};

struct Analysis {
  std::vector<Finding> findings;
  std::vector<Undecided> undecided;
  bool are_overlaps_complete = true;  // false: some pairs were not examined
};

Analysis analyze(const RuleSet& rules, const AnalyzeOptions& options = {});

/// "R1 and R2 both fire where amount = 9000, country = NL".
std::string to_string(const Finding& finding, const RuleSet& rules);
std::string to_string(const Undecided& undecided, const RuleSet& rules);

}  // namespace sluice::rules
