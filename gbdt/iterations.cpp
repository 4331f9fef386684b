#include "sluice/gbdt/iterations.h"

#include "sluice/base/error.h"

namespace sluice::gbdt {

std::size_t n_iterations(const Forest& forest) {
  return forest.iteration_first.empty() ? 0 : forest.iteration_first.size() - 1;
}

TreeRange iterations(const Forest& forest, std::size_t first, std::size_t last) {
  const std::size_t n = n_iterations(forest), end = last == 0 ? n : last;
  if (first > end || end > n || (first == end && n > 0))
    throw Error("shape.iterations", "rounds " + std::to_string(first) + " to " + std::to_string(end) +
                                        " of a forest with " + std::to_string(n) + " rounds");
  if (n == 0) return {};
  return {forest.iteration_first[first], forest.iteration_first[end]};
}

TreeRange best_iterations(const Forest& forest) {
  const bool is_known = forest.best_iteration && *forest.best_iteration < n_iterations(forest);
  return iterations(forest, 0, is_known ? *forest.best_iteration + 1 : 0);
}

}  // namespace sluice::gbdt
