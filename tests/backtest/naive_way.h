#pragma once
/// The oracle of the backtest: rows decided one by one, and their figures as plain sums.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "history.h"

namespace sluice::backtest {

using cascade::Action;

inline const cascade::Costs kCosts{1, 4, 0.4, 0.01};

/// One way to decide, row by row, using only Engine::decide, the stages and metrics.h.
struct Naive {
  std::vector<double> p;
  std::vector<float> labels, scored_labels;
  std::vector<Action> actions;

  void add(double probability, Action action, float label) {
    if (!std::isnan(probability)) p.push_back(probability), scored_labels.push_back(label);
    actions.push_back(action);
    labels.push_back(label);
  }
  double cost(double price_of_all = 0) const {
    double total = price_of_all;
    for (std::size_t i = 0; i < actions.size(); ++i) total += kCosts.of(actions[i], labels[i] > 0.5f);
    return total / static_cast<double>(actions.size());
  }
  double rate(Action action) const {
    return static_cast<double>(std::count(actions.begin(), actions.end(), action)) /
           static_cast<double>(actions.size());
  }
};

struct Rows {
  io::RowBlock block;
  std::size_t size() const { return block.rows.n_rows(); }
};

inline Rows all_rows(const std::string& csv, const Schema& schema) {
  Rows rows;
  test::history_reader(csv, schema, {})->next(rows.block, 1'000'000);
  return rows;
}

}  // namespace sluice::backtest
