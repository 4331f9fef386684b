#pragma once
/// Shapley values over all 2^n coalitions, on the generator's own trees; for up to about 12 features.

#include <span>
#include <vector>

#include "support/random_forest.h"

namespace sluice::test::oracle {

/// Pairwise interactions of the path-dependent game: [n_groups, n_features, n_features], with half of the value in each
/// of a pair's two cells, and 0 on the diagonal.
std::vector<double> shapley_interactions(const PlainModel& model, std::span<const float> row);

/// The interventional game: [n_groups, n_features + 1], the last column the background's mean margin.
std::vector<double> interventional_shapley(const PlainModel& model, std::span<const float> row, BatchView background,
                                           std::span<const float> weights);

}  // namespace sluice::test::oracle
