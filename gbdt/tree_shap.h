#pragma once
/// Attributions of a forest's margins to its features: path-dependent Shapley values.
///
/// The game: features in the coalition take the row's branch; at a split on a feature outside it, both branches are
/// taken, weighted by their share of the training cover. Values are exact for this game (Lundberg, Erion and Lee 2018,
/// arXiv:1802.03888, algorithm 2), accumulated in double. They are XGBoost's pred_contribs without its float32
/// rounding. A split with no cover weighs both branches 0.5. Allocates one work buffer per call. Cost per row: trees ×
/// leaves × depth².
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Doubles that `tree_shap` writes: rows × groups × (n_features + 1).
std::size_t attribution_size(const Forest& forest, std::size_t n_rows);

/// Writes phi [n_rows, n_groups, n_features + 1] in margin units. The last column is the bias: the margin expected over
/// the training cover. A row's phi and bias add up to its margin, to float32 rounding of the margin itself. Throws
/// Error{shape.*} if the batch does not have n_features columns or `out` is too small, and Error{attribution.*} in the
/// same cases as ShapTables (shap.h).
void tree_shap(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
