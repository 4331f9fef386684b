#pragma once
/// Counts of rows by the actions of two policies, and their costs. Not installed.

#include <array>
#include <cmath>
#include <optional>

#include "sluice/backtest/exact_sum.h"
#include "sluice/backtest/impact_report.h"

namespace sluice::backtest {

using cascade::Action;
using cascade::Costs;
using cascade::Decision;

inline std::size_t at(Action action) { return static_cast<std::size_t>(action); }
inline std::size_t at(cascade::Level level) { return static_cast<std::size_t>(level); }

/// The part of a row that the tally uses.
struct Change {
  Action from = Action::none, to = Action::none;
  std::optional<bool> is_bad;
  double p = kNoFigure;  // NaN if no model contributed to either decision
};

/// The better informed of the two probabilities: the network's if it ran for one of the decisions.
inline double probability_of(const Decision& before, const Decision& after) {
  const bool after_knows_more = after.network.ran && !before.network.ran;
  const double first = after_knows_more ? after.p_final : before.p_final;
  return std::isnan(first) ? (after_knows_more ? before.p_final : after.p_final) : first;
}

inline double cost_of(const Costs& costs, Action action, const Change& change) {
  if (change.is_bad) return costs.of(action, *change.is_bad);
  return change.p * costs.of(action, true) + (1 - change.p) * costs.of(action, false);
}
inline double cost_change(const Costs& costs, const Change& change) {
  return cost_of(costs, change.to, change) - cost_of(costs, change.from, change);
}

/// Sums that do not depend on the rows' order.
struct Cell {
  ImpactCell counts;
  ExactSum p;

  void add(const Change& change) {
    ++counts.n_rows;
    if (change.is_bad) return void(++(*change.is_bad ? counts.n_bad : counts.n_good));
    if (std::isnan(change.p)) return;
    ++counts.n_expected;
    p.add(change.p);
  }
  ImpactCell finish() const {
    ImpactCell cell = counts;
    cell.sum_p = p.value();
    return cell;
  }
};

struct Matrix {
  std::array<std::array<Cell, kImpactActions>, kImpactActions> cells;

  void add(const Change& change) { cells[at(change.from)][at(change.to)].add(change); }
  ImpactMatrix finish() const {
    ImpactMatrix matrix;
    for (std::size_t from = 0; from < kImpactActions; ++from)
      for (std::size_t to = 0; to < kImpactActions; ++to) matrix[from][to] = cells[from][to].finish();
    return matrix;
  }
};

template <class Use>
void for_each_cell(const ImpactMatrix& matrix, const Use& use) {
  for (std::size_t from = 0; from < kImpactActions; ++from)
    for (std::size_t to = 0; to < kImpactActions; ++to)
      use(static_cast<Action>(from), static_cast<Action>(to), matrix[from][to]);
}

/// Total cost of an action for all rows of a cell with an outcome or a probability.
inline double cost_of(const Costs& costs, Action action, const ImpactCell& cell) {
  const double bad = static_cast<double>(cell.n_bad) + cell.sum_p,
               good = static_cast<double>(cell.n_good) + (static_cast<double>(cell.n_expected) - cell.sum_p);
  return bad * costs.of(action, true) + good * costs.of(action, false);
}

}  // namespace sluice::backtest
