#pragma once
/// Boosting rounds as ranges of trees.
/// Thread-safety: all functions are thread-safe.

#include <cstddef>

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {

/// The number of boosting rounds. A round has num_parallel_tree trees for each group.
std::size_t n_iterations(const Forest& forest);

/// The trees of rounds [first, last), as in XGBoost's iteration_range: a last of 0 means all rounds. For
/// PredictOptions. Throws Error{shape.iterations} if the range is empty or beyond the forest's rounds.
TreeRange iterations(const Forest& forest, std::size_t first, std::size_t last);

/// The rounds up to the best one if early stopping recorded one; otherwise all rounds.
TreeRange best_iterations(const Forest& forest);

}  // namespace sluice::gbdt
