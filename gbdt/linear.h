#pragma once
/// XGBoost's gblinear: one weight a feature and group instead of trees (Forest::linear). Thread-safe; allocates
/// nothing.

#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes margins [n_rows, n_groups]: XGBoost's bits. The sum starts with bias + base margin and takes the features in
/// order, in float32; missing ones are left out. `base_margin` [n_rows, n_groups] stands in for the forest's own.
/// Throws Error{shape.*} if the batch has other than n_features columns, `out` is too small, or the forest is none of
/// these.
void predict_linear(const Forest& forest, BatchView rows, std::span<float> out,
                    std::span<const float> base_margin = {});

/// Writes [n_rows, n_groups, n_features + 1]: each feature's weight * value (0 where it is missing), then bias + base
/// margin. XGBoost's pred_contribs for gblinear. Throws as predict_linear does, and Error{attribution.not_finite} for
/// weights that are infinite or NaN.
void linear_contribs(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
