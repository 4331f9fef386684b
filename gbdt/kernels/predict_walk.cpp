#include "sluice/gbdt/kernels/predict_walk.h"

#include <cstring>

#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {
namespace {

constexpr std::size_t kRowsAbreast = 8;
constexpr std::size_t kBlockRows = 64;  // at 64 features a block and a tree of depth 6 stay in the first-level cache

void add_trees_to_row(const Forest& forest, const float* row, std::size_t first_tree, std::size_t end, float* margins) {
  const auto same_row = [row](std::size_t) { return row; };
  std::uint32_t at[kTreesAbreast];
  std::uint32_t group = 0;
  // The margin of `group` stays in a register; otherwise every addition would wait for the previous one's store.
  float margin = margins[0];
  for (std::size_t first = first_tree; first < end; first += kTreesAbreast) {
    const std::size_t n = std::min(kTreesAbreast, end - first);
    const Tree* abreast = &forest.trees[first];
    std::uint32_t depth = 0;
    bool has_categories = false;
    for (std::size_t i = 0; i < kTreesAbreast; ++i) {
      // Past the end, the last tree is walked again, without effect.
      const Tree& tree = abreast[std::min(i, n - 1)];
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

/// `rows` are a multiple of kRowsAbreast; row i's margins are at margins + i * stride.
void add_tree_to_rows(const Forest& forest, const Tree& tree, BatchView rows, float* margins, std::size_t stride) {
  std::uint32_t at[kRowsAbreast];
  for (std::size_t first = 0; first < rows.n_rows; first += kRowsAbreast) {
    const float* cells = rows.data + first * rows.stride;
    const auto row_of = [cells, row_stride = rows.stride](std::size_t i) { return cells + i * row_stride; };
    std::fill_n(at, kRowsAbreast, tree.first);
    walk<kRowsAbreast>(forest, tree.has_categories, tree.depth, row_of, at);
    for (std::size_t i = 0; i < kRowsAbreast; ++i)
      margins[(first + i) * stride + tree.group] += forest.nodes[at[i]].value;
  }
}

/// Whole groups of rows tree by tree, the remaining rows one by one.
void add_trees(const Forest& forest, BatchView rows, std::size_t first, std::size_t end, float* margins,
               std::size_t stride) {
  const std::size_t n_whole = rows.n_rows / kRowsAbreast * kRowsAbreast;
  if (n_whole > 0)
    for (std::size_t t = first; t < end; ++t)
      add_tree_to_rows(forest, forest.trees[t], rows.slice(0, n_whole), margins, stride);
  for (std::size_t i = n_whole; i < rows.n_rows; ++i)
    add_trees_to_row(forest, rows.data + i * rows.stride, first, end, margins + i * stride);
}

}  // namespace

Ran predict_walk(const MarginJob& job) {
  const Forest& forest = *job.forest;
  const std::size_t n_groups = forest.n_groups, stride = job.ends.size() * n_groups;
  for (std::size_t first = 0; first < job.rows.n_rows; first += kBlockRows) {
    const MarginJob block = job.slice(first, std::min(kBlockRows, job.rows.n_rows - first));
    const float* before = block.start;
    std::size_t before_stride = block.start_stride, tree = block.first;
    for (std::size_t prefix = 0; prefix < block.ends.size(); tree = block.ends[prefix++]) {
      float* margins = block.out + prefix * n_groups;
      for (std::size_t i = 0; i < block.rows.n_rows; ++i)
        std::memcpy(margins + i * stride, before + i * before_stride, n_groups * sizeof(float));
      add_trees(forest, block.rows, tree, block.ends[prefix], margins, stride);
      before = margins;
      before_stride = stride;
    }
  }
  return {Kernel::scalar, Method::walk};
}

}  // namespace sluice::gbdt
