#pragma once
/// Boosting rounds as ranges of trees.

#include <cstddef>

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {

/// Rounds that the forest was boosted for. A round holds num_parallel_tree trees for each group.
std::size_t n_iterations(const Forest& forest);

/// The trees of rounds [first, last), as XGBoost's iteration_range: a last of 0 means all rounds. For PredictOptions.
/// Throws Error{shape.iterations} where the range is empty or beyond the forest's rounds.
TreeRange iterations(const Forest& forest, std::size_t first, std::size_t last);

/// The rounds up to the best one, where early stopping left one; all of them otherwise.
TreeRange best_iterations(const Forest& forest);

}  // namespace sluice::gbdt
