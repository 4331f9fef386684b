#pragma once
/// Approximate attributions along each row's own path (Saabas 2014): a split's feature gets the change of the expected
/// margin. They add up, but depend on the order of the splits; for comparison with Shapley values. XGBoost's
/// approx_contribs without its float32 rounding. One walk a tree. Thread-safe.

#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes [n_rows, n_groups, n_features + 1] in margin units; the last column is the bias, tree_shap's. Each row's
/// sum is held against its margin: Error{attribution.additivity}. Throws Error{shape.*} too. Expected values are
/// computed once a call: give it batches.
void saabas(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
