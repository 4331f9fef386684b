#pragma once
// What a RuleSet holds.

#include <cmath>
#include <string>
#include <vector>

#include "sluice/rules/document.h"
#include "sluice/rules/lower.h"
#include "sluice/rules/program.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

inline Inputs inputs_of(RowView row, const ModelOutputs& m) {
  return {row, {m.p_forest, m.p_network, m.p_final, m.margin_forest, m.margin_network}};
}

struct RuleSet::State {
  Schema schema;
  Phase phase = Phase::pre;
  Document document;
  Program program;
  std::vector<Condition> conditions;  // one a rule
  Digest digest;

  /// The one path of evaluation. `seen(rule, truth, action)` hears of every rule; a trace listens, a decision does not.
  template <class Seen>
  void evaluate(const Inputs& inputs, Outcome& outcome, Seen&& seen) const {
    outcome = {};
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      const double value = program.run(conditions[i].code, inputs);
      const bool is_missing = std::isnan(value);
      const Rule& rule = document.rules[i];
      const Action action = is_missing ? rule.action_if_missing : value != 0.0 ? rule.action : Action::none;
      seen(i, is_missing ? Truth::missing : value != 0.0 ? Truth::yes : Truth::no, action);
      if (is_missing) add_missing(static_cast<std::uint16_t>(i), outcome);
      if (action != Action::none) add_fired(static_cast<std::uint16_t>(i), action, outcome);
    }
  }

 private:
  static void add_missing(std::uint16_t rule, Outcome& outcome) {
    ++outcome.n_missing;
    outcome.missing.add(rule);
  }

  void add_fired(std::uint16_t rule, Action action, Outcome& outcome) const {
    ++outcome.n_fired;
    outcome.fired.add(rule);
    if (outcome.n_fired == 1 || (document.hit_policy == HitPolicy::priority && rank(action) < rank(outcome.action))) {
      outcome.action = action;
      outcome.decisive = rule;
    } else if (document.hit_policy == HitPolicy::unique) {
      outcome.action = Action::none;
      outcome.decisive = kNoRule;
      outcome.undecided = true;
    }
  }

  std::uint8_t rank(Action action) const { return document.rank[static_cast<std::size_t>(action)]; }
};

}  // namespace sluice::rules
