#pragma once
/// XGBoost's gblinear: one weight per feature and group instead of trees (Forest::linear). Allocates nothing.
/// Thread-safety: all functions are thread-safe.

#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes margins [n_rows, n_groups] with XGBoost's bits. The sum starts with bias + base margin and adds the features
/// in order, in float32; missing ones are skipped. `base_margin` [n_rows, n_groups] replaces the forest's own. Throws
/// Error{shape.*} if the batch does not have n_features columns, `out` is too small, or the forest is not a gblinear
/// model.
void predict_linear(const Forest& forest, BatchView rows, std::span<float> out,
                    std::span<const float> base_margin = {});

/// Writes [n_rows, n_groups, n_features + 1]: each feature's weight * value (0 if it is missing), then bias + base
/// margin. This is XGBoost's pred_contribs for gblinear. Throws as predict_linear does, and
/// Error{attribution.not_finite} for weights that are infinite or NaN.
void linear_contribs(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
