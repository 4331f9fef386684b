#include "sluice/gbdt/tree_shap.h"

#include <vector>

#include "sluice/gbdt/load/lightgbm_cell.h"
#include "sluice/gbdt/shap/shap_shares.h"

namespace sluice::gbdt {
namespace {

/// One split feature on the path from the root, as in the paper: the share of paths that flow through if the feature is
/// outside (`zero`) or in (`one`) the coalition, and the summed weight of the coalitions of each size (`weight`).
struct PathStep {
  std::int64_t feature;
  double zero, one, weight;
};

void extend(PathStep* path, std::size_t depth, double zero, double one, std::int64_t feature) {
  path[depth] = {feature, zero, one, depth == 0 ? 1.0 : 0.0};
  const double n = static_cast<double>(depth + 1);
  for (std::size_t i = depth; i-- > 0;) {
    path[i + 1].weight += one * path[i].weight * static_cast<double>(i + 1) / n;
    path[i].weight *= zero * static_cast<double>(depth - i) / n;
  }
}

/// Undoes `extend` for the feature at `k`.
void unwind(PathStep* path, std::size_t depth, std::size_t k) {
  const double one = path[k].one, zero = path[k].zero, n = static_cast<double>(depth + 1);
  double next = path[depth].weight;
  for (std::size_t i = depth; i-- > 0;) {
    if (one != 0.0) {
      const double weight = path[i].weight;
      path[i].weight = next * n / (static_cast<double>(i + 1) * one);
      next = weight - path[i].weight * zero * static_cast<double>(depth - i) / n;
    } else {
      path[i].weight = path[i].weight * n / (zero * static_cast<double>(depth - i));
    }
  }
  for (std::size_t i = k; i < depth; ++i) {
    path[i].feature = path[i + 1].feature;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
}

/// The sum of weights that `unwind` would leave.
double unwound_sum(const PathStep* path, std::size_t depth, std::size_t k) {
  const double one = path[k].one, zero = path[k].zero, n = static_cast<double>(depth + 1);
  double next = path[depth].weight, sum = 0;
  for (std::size_t i = depth; i-- > 0;) {
    if (one != 0.0) {
      const double weight = next * n / (static_cast<double>(i + 1) * one);
      sum += weight;
      next = path[i].weight - weight * zero * static_cast<double>(depth - i) / n;
    } else {
      sum += path[i].weight * n / (zero * static_cast<double>(depth - i));
    }
  }
  return sum;
}

/// One tree and one row; `phi` has n_features + 1 elements and is added to.
struct TreeWalk {
  const Forest& forest;
  const float* row;
  double* phi;

  /// `path` has the steps to the parent; each level works on a copy after it. Feature -1 is the root's.
  void visit(std::uint32_t at, PathStep* path, std::size_t depth, double zero, double one, std::int64_t feature) const {
    extend(path, depth, zero, one, feature);
    const Node& node = forest.nodes[at];
    if (node.is_leaf()) return add_leaf(static_cast<double>(node.value), path, depth);

    double incoming_zero = 1, incoming_one = 1;
    std::size_t k = 1;
    while (k <= depth && path[k].feature != static_cast<std::int64_t>(node.feature)) ++k;
    if (k <= depth) {  // a feature that was split on before counts once
      incoming_zero = path[k].zero;
      incoming_one = path[k].one;
      unwind(path, depth--, k);
    }
    const Shares shares = shares_of(forest, at);
    const bool goes_right = step_of(forest, at, row) != node.left;
    PathStep* below = path + depth + 1;
    std::copy(path, path + depth + 1, below);
    visit(node.left, below, depth + 1, incoming_zero * shares.left, goes_right ? 0.0 : incoming_one, node.feature);
    std::copy(path, path + depth + 1, below);
    visit(node.left + 1, below, depth + 1, incoming_zero * shares.right, goes_right ? incoming_one : 0.0, node.feature);
  }

  void add_leaf(double value, const PathStep* path, std::size_t depth) const {
    for (std::size_t k = 1; k <= depth; ++k)
      phi[path[k].feature] += unwound_sum(path, depth, k) * (path[k].one - path[k].zero) * value;
  }
};

}  // namespace

std::size_t attribution_size(const Forest& forest, std::size_t n_rows) {
  return n_rows * forest.n_groups * (forest.n_features + 1);
}

void tree_shap(const Forest& forest, BatchView rows, std::span<double> out) {
  check_attributable(forest);
  check_shap_depth(forest);
  check_columns(forest, rows.n_columns);
  check_output(out.size(), attribution_size(forest, rows.n_rows));

  std::size_t depth = 0;
  for (const Tree& tree : forest.trees) depth = std::max<std::size_t>(depth, tree.depth);
  std::vector<PathStep> path((depth + 2) * (depth + 3) / 2);
  const std::vector<double> bias = expected_margins(forest);
  const std::size_t width = forest.n_features + 1;

  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    double* phi = out.data() + i * forest.n_groups * width;
    std::fill_n(phi, forest.n_groups * width, 0.0);
    for (const Tree& tree : forest.trees)
      TreeWalk{forest, rows.row(i).data(), phi + tree.group * width}.visit(tree.first, path.data(), 0, 1.0, 1.0, -1);
    for (std::size_t group = 0; group < forest.n_groups; ++group) phi[group * width + forest.n_features] = bias[group];
  }
}

}  // namespace sluice::gbdt
