#pragma once
/// The shares that the attributions compute from a forest's covers. Not installed.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

constexpr double kMinShare = 1e-12;  // lower bound: a branch without training rows is still divided by

/// The shares of a split's cover that go left and right.
struct Shares {
  double left, right;
};

inline Shares shares_of(const Forest& forest, std::uint32_t at) {
  const double cover = static_cast<double>(forest.cover[at]);
  if (!(cover > 0.0)) return {0.5, 0.5};
  const auto share = [&](std::uint32_t child) {
    const double value = static_cast<double>(forest.cover[child]) / cover;
    return value > kMinShare && std::isfinite(value) ? value : kMinShare;
  };
  return {share(forest.nodes[at].left), share(forest.nodes[at].left + 1)};
}

/// The expected value below each node over the training cover. Children follow their parents.
inline std::vector<double> expected_values(const Forest& forest) {
  std::vector<double> out(forest.nodes.size());
  for (std::size_t at = out.size(); at-- > 0;) {
    const Node& node = forest.nodes[at];
    if (node.is_leaf()) {
      out[at] = static_cast<double>(node.value);
      continue;
    }
    const Shares shares = shares_of(forest, static_cast<std::uint32_t>(at));
    out[at] = shares.left * out[node.left] + shares.right * out[node.left + 1];
  }
  return out;
}

/// The margin of each group, expected over the training cover.
inline std::vector<double> expected_margins(const Forest& forest) {
  const std::vector<double> values = expected_values(forest);
  std::vector<double> bias(forest.base_margin.begin(), forest.base_margin.end());
  for (const Tree& tree : forest.trees) bias[tree.group] += values[tree.first];
  return bias;
}

/// Throws Error{attribution.linear} for gblinear models, Error{forest.unsupported} for linear trees, and
/// Error{attribution.not_finite} for leaves or base margins that are infinite or NaN, for which no attributions add up.
inline void check_attributable(const Forest& forest) {
  if (!forest.linear.empty())
    throw Error("attribution.linear", "a gblinear model has no trees",
                "use linear_contribs: each term is its own attribution");
  if (!forest.linear_leaves.empty())
    throw Error("forest.unsupported", "the model's leaves are linear models, which attributions do not support",
                "train with linear_tree=false");
  const auto is_finite = [](float value) { return std::isfinite(value); };
  const auto is_sound = [](const Node& node) { return !node.is_leaf() || std::isfinite(node.value); };
  if (!std::all_of(forest.nodes.begin(), forest.nodes.end(), is_sound) ||
      !std::all_of(forest.base_margin.begin(), forest.base_margin.end(), is_finite))
    throw Error("attribution.not_finite", "the model has leaf values or base margins that are infinite or NaN",
                "its training diverged: check the learning rate and the labels");
}

constexpr std::uint32_t kMaxShapDepth = 512;  // Shapley values walk a tree recursively

/// Throws Error{attribution.depth}.
inline void check_shap_depth(const Forest& forest) {
  for (const Tree& tree : forest.trees)
    if (tree.depth > kMaxShapDepth)
      throw Error("attribution.depth",
                  "tree " + std::to_string(tree.number) + " is " + std::to_string(tree.depth) +
                      " splits deep; the limit of attributions is " + std::to_string(kMaxShapDepth),
                  "use approximate attributions (saabas, --approximate): they have no limit");
}

}  // namespace sluice::gbdt
