#pragma once
/// Approximate attributions along each row's own path (Saabas 2014): a split's feature gets the change of the expected
/// margin. They add up, but depend on the order of the splits; use them for comparison with Shapley values. They are
/// XGBoost's approx_contribs without its float32 rounding. One walk per tree.
/// Thread-safety: all functions are thread-safe.

#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes [n_rows, n_groups, n_features + 1] in margin units; the last column is the bias, as in tree_shap. Each row's
/// sum is compared with its margin: Error{attribution.additivity}. Also throws Error{shape.*}. Each call computes the
/// expected values once: pass whole batches.
void saabas(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
