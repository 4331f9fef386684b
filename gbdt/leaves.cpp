#include "sluice/gbdt/leaves.h"

#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {

void leaf_ids(const Forest& forest, BatchView rows, std::span<std::int32_t> out) {
  constexpr std::size_t kAbreast = 8;
  const std::size_t n_trees = forest.n_file_trees();
  check_columns(forest, rows.n_columns);
  check_output(out.size(), rows.n_rows * n_trees);
  if (!forest.exact_values.empty()) throw Error("forest.unsupported", "only XGBoost forests have leaf numbers");

  std::uint32_t at[kAbreast];
  for (std::size_t first = 0; first < rows.n_rows; first += kAbreast) {
    const std::size_t n = std::min(kAbreast, rows.n_rows - first);
    // Past the end, the last row is walked again, without effect.
    const auto row_of = [&](std::size_t i) { return rows.data + (first + std::min(i, n - 1)) * rows.stride; };
    // Trees of one number are adjacent and have the same leaves.
    for (const Tree& tree : forest.trees) {
      std::fill_n(at, kAbreast, tree.first);
      walk<kAbreast>(forest, tree.has_categories, tree.depth, row_of, at);
      for (std::size_t i = 0; i < n; ++i) out[(first + i) * n_trees + tree.number] = forest.node_ids[at[i]];
    }
  }
}

}  // namespace sluice::gbdt
