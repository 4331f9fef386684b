#pragma once
/// Margins in double: LightGBM's own sums, bit for bit.
///
/// LightGBM adds the leaves of a row in double, in tree order, from 0, each group on its own. Given the same
/// float32 numbers as doubles, these are its raw scores to the last bit. A random forest's are divided by its rounds,
/// as LightGBM does before its link. A forest whose leaves are float32 (XGBoost) gives its float32 margins (predict.h)
/// widened. Thread-safe; allocates nothing.

#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes margins [n_rows, n_groups]. Throws Error{shape.*} if the batch has other than n_features columns, or `out` is
/// too small.
void predict_exact(const Forest& forest, BatchView rows, std::span<double> out);

}  // namespace sluice::gbdt
