#pragma once
/// The leaf of each tree that a row reaches. Allocates nothing.
/// Thread-safety: all functions are thread-safe.

#include <cstdint>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Writes [n_rows, n_file_trees]: XGBoost's own node numbers, equal to its pred_leaf.
/// Throws Error{shape.*} if the batch does not have n_features columns or `out` is too small, and
/// Error{forest.unsupported} for LightGBM forests, whose leaves have no such numbers.
void leaf_ids(const Forest& forest, BatchView rows, std::span<std::int32_t> out);

}  // namespace sluice::gbdt
