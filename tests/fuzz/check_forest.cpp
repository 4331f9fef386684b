#include "check_forest.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "sluice/base/batch.h"
#include "sluice/base/error.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/linear.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/predict_exact.h"

namespace sluice::test {
namespace {

using gbdt::Forest;
using gbdt::Node;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
constexpr float kCells[] = {kNan, 0.0f, -0.0f, kInfinity, -kInfinity, 1.0f, 7.5f, -0.5f, 1e-42f, 16777216.0f, 40.0f};

bool is_in_set(const Forest& forest, const Node& node, float x) {
  if (!(x >= 0.0f && x < 16777216.0f)) return false;
  const gbdt::CategorySet& set = forest.category_sets.at(node.category_set());
  const auto category = static_cast<std::uint32_t>(x);
  return category / 32 < set.n_words &&
         ((forest.category_words.at(set.first_word + category / 32) >> category % 32) & 1u) != 0;
}

/// A LightGBM forest's cell as its own rules have it (forest.h, Node::kZeroMissing).
float seen(const Forest& forest, const Node& node, float x) {
  if (forest.exact_values.empty()) return x;
  if (node.is_category()) return x > -1.0f && x < 0.0f ? 0.0f : x;
  return node.zero_is_missing() && x >= -1e-35f && x <= 1e-35f ? kNan : x;
}

std::uint32_t leaf_of(const Forest& forest, std::uint32_t at, const float* row) {
  while (!forest.nodes.at(at).is_leaf()) {
    const Node& node = forest.nodes[at];
    const float x = seen(forest, node, row[node.feature]);
    bool goes_right = x >= node.value;
    if (node.is_category()) goes_right = is_in_set(forest, node, x);
    if (std::isnan(x)) goes_right = node.default_right();
    at = node.left + (goes_right ? 1 : 0);
  }
  return at;
}

void compare(float actual, float expected, gbdt::Kernel kernel) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected))) return;
  std::fprintf(stderr, "%s gives %.9g, a plain walk %.9g\n", std::string(to_string(kernel)).c_str(),
               static_cast<double>(actual), static_cast<double>(expected));
  std::abort();
}

void add_leaves(const Forest& forest, const float* row, std::vector<float>& margins) {
  for (const auto& tree : forest.trees) margins.at(tree.group) += forest.nodes[leaf_of(forest, tree.first, row)].value;
}

double exact_value(const Forest& forest, std::uint32_t leaf, const float* row) {
  if (forest.linear_leaves.empty()) return forest.exact_values.at(leaf);
  const gbdt::LinearLeaf& linear = forest.linear_leaves.at(leaf);
  double sum = linear.constant;
  for (std::size_t k = 0; k < linear.n_terms; ++k) {
    const gbdt::LinearTerm& term = forest.linear_terms.at(linear.first_term + k);
    const float x = row[term.feature];
    if (std::isnan(x)) return forest.exact_values.at(leaf);
    sum += term.weight * (x >= -1e-35f && x <= 1e-35f ? 0.0 : static_cast<double>(x));
  }
  return sum;
}

/// LightGBM's: in double, from 0, rounded at the end.
void add_exact_leaves(const Forest& forest, const float* row, std::vector<float>& margins) {
  std::vector<double> sums(margins.size());
  for (const auto& tree : forest.trees)
    sums.at(tree.group) += exact_value(forest, leaf_of(forest, tree.first, row), row);
  for (std::size_t g = 0; g < sums.size(); ++g) margins[g] = static_cast<float>(sums[g] / forest.exact_divisor);
}

std::vector<float> walked(const Forest& forest, BatchView rows) {
  std::vector<float> margins;
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    std::vector<float> row(forest.base_margin);
    (forest.exact_values.empty() ? add_leaves : add_exact_leaves)(forest, rows.row(i).data(), row);
    margins.insert(margins.end(), row.begin(), row.end());
  }
  return margins;
}

void check_kernel(const Forest& forest, BatchView rows, const std::vector<float>& expected, gbdt::Kernel kernel,
                  gbdt::Method method) {
  std::vector<float> actual(expected.size());
  gbdt::predict(forest, rows, actual, {.kernel = kernel, .method = method});
  for (std::size_t k = 0; k < expected.size(); ++k) compare(actual[k], expected[k], kernel);
}

/// The kernel's own choice, and every method of every kernel that takes the forest. Loading must have found nothing.
void check_kernels(const Forest& forest, BatchView rows, const std::vector<float>& expected) {
  if (!forest.warnings.empty()) {
    std::fprintf(stderr, "%s\n", forest.warnings[0].c_str());
    std::abort();
  }
  check_kernel(forest, rows, expected, gbdt::Kernel::automatic, gbdt::Method::automatic);
  for (const gbdt::Kernel kernel : gbdt::kernels())
    for (const gbdt::Method method : {gbdt::Method::walk, gbdt::Method::rows, gbdt::Method::planes})
      if (gbdt::has_method(forest, kernel, method)) check_kernel(forest, rows, expected, kernel, method);
}

FloatTable odd_rows(std::size_t n_rows, std::size_t n_columns) {
  FloatTable rows(n_columns, n_rows);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (std::size_t c = 0; c < n_columns; ++c)
      rows.row(i)[c] = kCells[i < std::size(kCells) ? i : (i * 7 + c * 3) % std::size(kCells)];
  return rows;
}

}  // namespace

void check_forest(const Forest& forest) {
  if (forest.n_features > 4096 || forest.n_groups > 256) return;
  for (const std::size_t n_rows : {3, 70}) {
    const FloatTable rows = odd_rows(n_rows, forest.n_features);
    if (!forest.linear.empty()) {
      std::vector<float> margins(n_rows * forest.n_groups);
      gbdt::predict_linear(forest, rows.view(), margins);
      check_kernels(forest, rows.view(), margins);
      continue;
    }
    const std::vector<float> expected = walked(forest, rows.view());
    check_kernels(forest, rows.view(), expected);
    std::vector<double> exact(expected.size());
    gbdt::predict_exact(forest, rows.view(), exact);
    if (!forest.exact_values.empty()) continue;
    std::vector<std::int32_t> leaves(n_rows * forest.n_file_trees());
    gbdt::leaf_ids(forest, rows.view(), leaves);
  }
}

}  // namespace sluice::test
