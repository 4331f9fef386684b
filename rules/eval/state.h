#pragma once
// The contents of a RuleSet, and the one path of evaluation.

#include <span>
#include <string>
#include <vector>

#include "sluice/rules/compile/document.h"
#include "sluice/rules/compile/lower.h"
#include "sluice/rules/eval/program.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

/// A rule's action if its condition is true, and if it is unknown.
struct Effect {
  bool fires = false;
  Action action = Action::none;
  std::int64_t points = 0;
};

struct RuleSet::State {
  Schema schema;
  Phase phase = Phase::pre;
  Document document;
  Graph graph;
  std::vector<Lowered> conditions;     // one per rule
  Program row_program, batch_program;  // the truth of every condition
  std::vector<Program> conjuncts;      // of each rule: the truths of its conjuncts
  std::size_t cost = 0;
  Digest digest;

  Effect effect(std::size_t rule, Truth truth) const {
    const Rule& r = document.rules[rule];
    if (truth == Truth::yes) return {true, r.action, r.points};
    if (truth == Truth::missing) return {r.fires_if_missing, r.action_if_missing, r.points_if_missing};
    return {};
  }

  void evaluate(RowView row, const ModelOutputs& given, Outcome& outcome) const;
  /// The same, and the truth of every rule.
  void evaluate(RowView row, const ModelOutputs& given, Outcome& outcome, std::vector<Truth>& truths) const;
  /// At most 64 rows; `given` has one element per row, or one for all.
  void evaluate_block(RowsView rows, std::span<const ModelOutputs> given, Outcome* outcomes) const;
  /// The truths of a rule's conjuncts.
  std::vector<Truth> conjuncts_of(std::size_t rule, RowView row, const ModelOutputs& given) const;

 private:
  template <std::size_t N, class Seen>
  void run(RowsView rows, std::span<const ModelOutputs> given, Outcome* outcomes, Seen&& seen) const;
  void account(std::size_t rule, Truth truth, Outcome& outcome) const;
  void pick(std::uint16_t rule, const Effect& effect, Outcome& outcome) const;
  Action action_of_points(std::int64_t points) const;
  std::uint8_t rank(Action action) const { return document.rank[static_cast<std::size_t>(action)]; }
};

}  // namespace sluice::rules
