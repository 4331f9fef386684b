#include "sluice/gbdt/predict.h"

#include "sluice/gbdt/walk.h"

namespace sluice::gbdt {
namespace {

constexpr std::size_t kBlockRows = 64;  // at 64 features a block and a tree of depth 6 stay in the first-level cache

// Walkers side by side: enough to hide the waits, few enough for the registers. Measured: bench/gbdt_bench.cpp.
constexpr std::size_t kRowsAbreast = 8, kTreesAbreast = 20;

void add_trees_to_row(const Forest& forest, const float* row, TreeRange trees, float* margins) {
  const auto same_row = [row](std::size_t) { return row; };
  std::uint32_t at[kTreesAbreast];
  std::uint32_t group = 0;
  float margin =
      margins[0];  // of `group`; kept in a register, or every addition would wait for the one before to reach memory
  for (std::size_t first = trees.first; first < trees.last; first += kTreesAbreast) {
    const std::size_t n = std::min(kTreesAbreast, trees.last - first);
    const Tree* abreast = &forest.trees[first];
    std::uint32_t depth = 0;
    bool has_categories = false;
    for (std::size_t i = 0; i < kTreesAbreast; ++i) {
      const Tree& tree = abreast[std::min(i, n - 1)];  // the last one again, to no effect, where no more are left
      at[i] = tree.first;
      depth = std::max(depth, tree.depth);
      has_categories |= tree.has_categories;
    }
    walk<kTreesAbreast>(forest, has_categories, depth, same_row, at);
    for (std::size_t i = 0; i < n; ++i) {
      if (abreast[i].group != group) {
        margins[group] = margin;
        group = abreast[i].group;
        margin = margins[group];
      }
      margin += forest.nodes[at[i]].value;
    }
  }
  margins[group] = margin;
}

/// `rows` are a multiple of kRowsAbreast; `margins` is [rows.n_rows, n_groups].
void add_tree_to_rows(const Forest& forest, const Tree& tree, BatchView rows, float* margins) {
  std::uint32_t at[kRowsAbreast];
  for (std::size_t first = 0; first < rows.n_rows; first += kRowsAbreast) {
    const float* cells = rows.data + first * rows.stride;
    const auto row_of = [cells, stride = rows.stride](std::size_t i) { return cells + i * stride; };
    std::fill_n(at, kRowsAbreast, tree.first);
    walk<kRowsAbreast>(forest, tree.has_categories, tree.depth, row_of, at);
    for (std::size_t i = 0; i < kRowsAbreast; ++i)
      margins[(first + i) * forest.n_groups + tree.group] += forest.nodes[at[i]].value;
  }
}

/// Adds the trees in order to a block's margins [rows.n_rows, n_groups]: whole groups of rows tree by tree, the rest
/// row by row.
void add_trees(const Forest& forest, BatchView rows, TreeRange trees, float* margins) {
  const std::size_t n_whole = rows.n_rows / kRowsAbreast * kRowsAbreast;
  if (n_whole > 0)
    for (std::size_t t = trees.first; t < trees.last; ++t)
      add_tree_to_rows(forest, forest.trees[t], rows.slice(0, n_whole), margins);
  for (std::size_t i = n_whole; i < rows.n_rows; ++i)
    add_trees_to_row(forest, rows.data + i * rows.stride, trees, margins + i * forest.n_groups);
}

void start(const Forest& forest, std::size_t n_rows, float* margins) {
  for (std::size_t i = 0; i < n_rows; ++i, margins += forest.n_groups)
    std::copy(forest.base_margin.begin(), forest.base_margin.end(), margins);
}

TreeRange checked_range(const Forest& forest, TreeRange trees) {
  if (trees.last == TreeRange::npos) trees.last = forest.n_trees();
  if (trees.first > trees.last || trees.last > forest.n_trees())
    throw Error("shape.trees", "trees " + std::to_string(trees.first) + " to " + std::to_string(trees.last) +
                                   " of a forest of " + std::to_string(forest.n_trees()));
  return trees;
}

void check_ends(const Forest& forest, std::span<const std::size_t> ends) {
  if (forest.n_groups != 1)
    throw Error("shape.groups",
                "margins after part of the trees need a forest of one group, not " + std::to_string(forest.n_groups));
  if (!std::is_sorted(ends.begin(), ends.end())) throw Error("shape.trees", "the ends of the stages must ascend");
  if (!ends.empty()) checked_range(forest, {0, ends.back()});
}

}  // namespace

std::size_t output_size(const Forest& forest, std::size_t n_rows) { return n_rows * forest.n_groups; }

void predict(const Forest& forest, BatchView rows, std::span<float> out, const PredictOptions& options) {
  check_columns(forest, rows.n_columns);
  check_output(out.size(), output_size(forest, rows.n_rows));
  const TreeRange trees = checked_range(forest, options.trees);

  for (std::size_t first = 0; first < rows.n_rows; first += kBlockRows) {
    const BatchView block = rows.slice(first, std::min(kBlockRows, rows.n_rows - first));
    float* margins = out.data() + first * forest.n_groups;
    start(forest, block.n_rows, margins);
    add_trees(forest, block, trees, margins);
  }
}

void predict_row(const Forest& forest, std::span<const float> row, std::span<float> margins) {
  check_columns(forest, row.size());
  check_output(margins.size(), forest.n_groups);
  start(forest, 1, margins.data());
  add_trees_to_row(forest, row.data(), {0, forest.n_trees()}, margins.data());
}

void predict_staged(const Forest& forest, BatchView rows, std::span<const std::size_t> ends, std::span<float> out) {
  check_columns(forest, rows.n_columns);
  check_ends(forest, ends);
  check_output(out.size(), rows.n_rows * ends.size());

  float margins[kBlockRows];
  for (std::size_t first = 0; first < rows.n_rows; first += kBlockRows) {
    const BatchView block = rows.slice(first, std::min(kBlockRows, rows.n_rows - first));
    start(forest, block.n_rows, margins);
    std::size_t done = 0;
    for (std::size_t stage = 0; stage < ends.size(); done = ends[stage++]) {
      add_trees(forest, block, {done, ends[stage]}, margins);
      for (std::size_t i = 0; i < block.n_rows; ++i) out[(first + i) * ends.size() + stage] = margins[i];
    }
  }
}

}  // namespace sluice::gbdt
