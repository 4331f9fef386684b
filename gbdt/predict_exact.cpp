#include "sluice/gbdt/predict_exact.h"

#include <algorithm>

#include "sluice/gbdt/linear.h"
#include "sluice/gbdt/load/lightgbm_cell.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

std::uint32_t leaf_of(const Forest& forest, const Tree& tree, const float* row) {
  std::uint32_t at = tree.first;
  while (!forest.nodes[at].is_leaf()) at = step_lightgbm(forest, at, row);
  return at;
}

double leaf_value(const Forest& forest, std::uint32_t leaf, const float* row) {
  if (forest.linear_leaves.empty()) return forest.exact_values[leaf];
  const LinearLeaf& linear = forest.linear_leaves[leaf];
  double sum = linear.constant;
  for (std::size_t k = 0; k < linear.n_terms; ++k) {
    const LinearTerm& term = forest.linear_terms[linear.first_term + k];
    const float x = row[term.feature];
    if (std::isnan(x)) return forest.exact_values[leaf];
    sum += term.weight * (is_lightgbm_zero(x) ? 0.0 : static_cast<double>(x));
  }
  return sum;
}

void add_exact(const Forest& forest, const float* row, std::span<double> margins) {
  std::fill(margins.begin(), margins.end(), 0.0);
  for (const Tree& tree : forest.trees) {
    const std::uint32_t leaf = leaf_of(forest, tree, row);
    margins[tree.group] += leaf_value(forest, leaf, row);
  }
  if (forest.exact_divisor != 1)
    for (double& margin : margins) margin /= forest.exact_divisor;
}

/// Float margins of a few rows at a time, in memory on the stack.
void widen(const Forest& forest, BatchView rows, std::span<double> out) {
  constexpr std::size_t kRoom = 1024;
  float margins[kRoom];
  const std::size_t n_groups = forest.n_groups, n_abreast = std::max<std::size_t>(1, kRoom / n_groups);
  if (n_groups > kRoom) throw Error("shape.groups", "more than 1024 groups");
  for (std::size_t first = 0; first < rows.n_rows; first += n_abreast) {
    const std::size_t n = std::min(n_abreast, rows.n_rows - first);
    if (forest.linear.empty())
      predict(forest, rows.slice(first, n), std::span(margins, n * n_groups));
    else
      predict_linear(forest, rows.slice(first, n), std::span(margins, n * n_groups));
    std::copy_n(margins, n * n_groups, out.begin() + static_cast<std::ptrdiff_t>(first * n_groups));
  }
}

}  // namespace

void predict_exact(const Forest& forest, BatchView rows, std::span<double> out) {
  check_columns(forest, rows.n_columns);
  check_output(out.size(), output_size(forest, rows.n_rows));
  if (forest.exact_values.empty()) return widen(forest, rows, out);
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    add_exact(forest, rows.data + i * rows.stride, out.subspan(i * forest.n_groups, forest.n_groups));
}

}  // namespace sluice::gbdt
