#pragma once
/// Margins in double: LightGBM's own sums, bit for bit.
///
/// LightGBM adds the leaves of a row in double, in tree order, from 0, each group separately. For float32 numbers
/// passed as doubles, these are its raw scores to the last bit. Those of a random forest are divided by the number of
/// rounds, as in LightGBM before its link. A forest with float32 leaves (XGBoost) gives its float32 margins (predict.h)
/// widened. Allocates nothing.
/// Thread-safety: all functions are thread-safe.

#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes margins [n_rows, n_groups]. Throws Error{shape.*} if the batch does not have n_features columns or `out` is
/// too small.
void predict_exact(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
