#include "sluice/rules/eval/machine.h"
#include "sluice/rules/eval/state.h"

namespace sluice::rules {
namespace {

template <class F>
void each_bit(std::uint64_t bits, F&& f) {
  for (; bits; bits &= bits - 1) f(static_cast<std::size_t>(std::countr_zero(bits)));
}

}  // namespace

/// Calls `seen(rule, yes, no)` for every rule; a trace uses it, a decision does not.
template <std::size_t N, class Seen>
void RuleSet::State::run(RowsView rows, std::span<const ModelOutputs> given, Outcome* outcomes, Seen&& seen) const {
  const std::uint64_t live = ~0ULL >> (64 - rows.n_rows);
  for (std::size_t i = 0; i < rows.n_rows; ++i) outcomes[i] = {};
  Machine<N>(rows, given.data(), given.size(), graph.tables())
      .run(N == 1 ? row_program : batch_program, [&](std::size_t rule, std::uint64_t yes, std::uint64_t no) {
        seen(rule, yes, no);
        each_bit(yes & live, [&](std::size_t row) { account(rule, Truth::yes, outcomes[row]); });
        each_bit(~(yes | no) & live, [&](std::size_t row) { account(rule, Truth::missing, outcomes[row]); });
      });
  if (document.hit_policy == HitPolicy::collect_sum)
    for (std::size_t i = 0; i < rows.n_rows; ++i) outcomes[i].action = action_of_points(outcomes[i].points);
}

void RuleSet::State::evaluate(RowView row, const ModelOutputs& given, Outcome& outcome) const {
  run<1>(RowsView(row), {&given, 1}, &outcome, [](std::size_t, std::uint64_t, std::uint64_t) {});
}

void RuleSet::State::evaluate(RowView row, const ModelOutputs& given, Outcome& outcome,
                              std::vector<Truth>& truths) const {
  truths.resize(document.rules.size());
  run<1>(RowsView(row), {&given, 1}, &outcome, [&](std::size_t rule, std::uint64_t yes, std::uint64_t no) {
    truths[rule] = yes & 1 ? Truth::yes : no & 1 ? Truth::no : Truth::missing;
  });
}

void RuleSet::State::evaluate_block(RowsView rows, std::span<const ModelOutputs> given, Outcome* outcomes) const {
  constexpr std::size_t kFew = 8;  // up to this number, single rows are faster
  if (rows.n_rows > kFew) return run<64>(rows, given, outcomes, [](std::size_t, std::uint64_t, std::uint64_t) {});
  for (std::size_t i = 0; i < rows.n_rows; ++i) evaluate(rows.row(i), given[given.size() > 1 ? i : 0], outcomes[i]);
}

std::vector<Truth> RuleSet::State::conjuncts_of(std::size_t rule, RowView row, const ModelOutputs& given) const {
  std::vector<Truth> truths;
  Machine<1>(RowsView(row), &given, 1, graph.tables())
      .run(conjuncts[rule], [&](std::size_t, std::uint64_t yes, std::uint64_t no) {
        truths.push_back(yes & 1 ? Truth::yes : no & 1 ? Truth::no : Truth::missing);
      });
  return truths;
}

void RuleSet::State::account(std::size_t rule, Truth truth, Outcome& outcome) const {
  const auto place = static_cast<std::uint16_t>(rule);
  if (truth == Truth::missing) {
    ++outcome.n_missing;
    outcome.missing.add(place);
  }
  if (const Effect what = effect(rule, truth); what.fires) pick(place, what, outcome);
}

void RuleSet::State::pick(std::uint16_t rule, const Effect& effect, Outcome& outcome) const {
  ++outcome.n_fired;
  outcome.fired.add(rule);
  outcome.points += effect.points;
  const HitPolicy policy = document.hit_policy;
  if (policy == HitPolicy::collect || policy == HitPolicy::collect_sum) return;
  if (outcome.n_fired == 1 || (policy == HitPolicy::priority && rank(effect.action) < rank(outcome.action))) {
    outcome.action = effect.action;
    outcome.decisive = rule;
  } else if (policy == HitPolicy::unique) {
    outcome.action = Action::none;
    outcome.decisive = kNoRule;
    outcome.undecided = true;
  }
}

Action RuleSet::State::action_of_points(std::int64_t points) const {
  for (const CutOff& cut_off : document.points_to_action)
    if (points >= cut_off.at_least) return cut_off.action;
  return Action::none;
}

}  // namespace sluice::rules
