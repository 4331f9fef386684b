#pragma once
/// Which leaf of each tree a row falls into. Thread-safe; allocates nothing.

#include <cstdint>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes [n_rows, n_file_trees]: XGBoost's own node numbers, equal to its pred_leaf.
/// Throws Error{shape.*} if the batch has other than n_features columns, or `out` is too small;
/// Error{forest.unsupported} for LightGBM forests, whose leaves have no such numbers.
void leaf_ids(const Forest& forest, BatchView rows, std::span<std::int32_t> out);

}  // namespace sluice::gbdt
