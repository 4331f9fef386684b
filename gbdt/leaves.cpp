#include "sluice/gbdt/leaves.h"

#include "sluice/gbdt/walk.h"

namespace sluice::gbdt {

void leaf_ids(const Forest& forest, BatchView rows, std::span<std::int32_t> out) {
  constexpr std::size_t kAbreast = 8;
  check_columns(forest, rows.n_columns);
  check_output(out.size(), rows.n_rows * forest.n_trees());

  std::uint32_t at[kAbreast];
  for (std::size_t first = 0; first < rows.n_rows; first += kAbreast) {
    const std::size_t n = std::min(kAbreast, rows.n_rows - first);
    // The last row again, to no effect, where no more are left.
    const auto row_of = [&](std::size_t i) { return rows.data + (first + std::min(i, n - 1)) * rows.stride; };
    for (std::size_t t = 0; t < forest.n_trees(); ++t) {
      const Tree& tree = forest.trees[t];
      std::fill_n(at, kAbreast, tree.first);
      walk<kAbreast>(forest, tree.has_categories, tree.depth, row_of, at);
      for (std::size_t i = 0; i < n; ++i) out[(first + i) * forest.n_trees() + t] = forest.node_ids[at[i]];
    }
  }
}

}  // namespace sluice::gbdt
