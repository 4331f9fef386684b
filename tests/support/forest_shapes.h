#pragma once
/// Forests by shape: as deep, as many and as mixed as a test asks, where random ones seldom are.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "sluice/base/random.h"
#include "support/random_forest.h"

namespace sluice::test {

enum class Form {
  full,   // every path as deep as the tree
  left,   // every right child is a leaf
  right,  // every left child is a leaf
};

struct TreeShape {
  int depth = 0;
  Form form = Form::full;
  int group = 0;
  bool has_categories = false;  // splits on features 2, 5, 8, …, as random_forest.h has them
  float kept = 1;               // of a split's cover, the part that its children have
};

struct ForestShape {
  std::string name;
  int n_features = 1, n_groups = 1;
  std::vector<TreeShape> trees;
};

namespace detail {

inline void grow_shape(PlainTree& tree, std::size_t at, int depth, const ForestShape& forest, const TreeShape& shape,
                       int& next_feature, Random& random) {
  if (depth == 0) {
    tree.nodes[at].value = static_cast<float>(random.normal() * 0.3);
    return;
  }
  PlainNode& node = tree.nodes[at];
  // One after the other: a forest of as many splits as features has each of them once. Few are drawn, so that what
  // repeats on a path is not always the same.
  node.feature = forest.n_features > 6 ? next_feature++ % forest.n_features
                                       : static_cast<int>(random.below(static_cast<std::uint64_t>(forest.n_features)));
  node.default_left = random.below(2) == 0;
  node.value = static_cast<float>(random.normal());
  if (shape.has_categories && node.feature % 3 == 2)
    for (int c = 0; c < 20; ++c)
      if (c == 0 || random.below(2) == 0) node.categories.push_back(c);
  const int left = static_cast<int>(tree.nodes.size());
  const auto share = static_cast<float>(random.uniform(0.1, 0.9));
  const float cover = node.cover * shape.kept;
  node.left = left, node.right = left + 1;
  PlainNode left_child, right_child;
  left_child.cover = cover * share;
  right_child.cover = cover - left_child.cover;
  tree.nodes.push_back(left_child);
  tree.nodes.push_back(right_child);
  const auto depth_of = [&](Form leaf) { return shape.form == leaf ? 0 : depth - 1; };
  grow_shape(tree, static_cast<std::size_t>(left), depth_of(Form::right), forest, shape, next_feature, random);
  grow_shape(tree, static_cast<std::size_t>(left) + 1, depth_of(Form::left), forest, shape, next_feature, random);
}

}  // namespace detail

inline PlainModel make_forest(const ForestShape& shape, std::uint64_t seed) {
  Random random(seed);
  PlainModel model;
  model.n_features = shape.n_features;
  model.n_groups = shape.n_groups;
  model.objective = shape.n_groups > 1 ? "multi:softprob" : "binary:logistic";
  model.base_margin = shape.n_groups > 1 ? 0.5f : 0.0f;
  int next_feature = 0;
  for (const TreeShape& of : shape.trees) {
    PlainTree tree;
    tree.group = of.group;
    tree.nodes.resize(1);
    tree.nodes[0].cover = static_cast<float>(random.uniform(100, 1000));
    detail::grow_shape(tree, 0, of.depth, shape, of, next_feature, random);
    model.trees.push_back(std::move(tree));
  }
  return model;
}

/// `n` trees of one shape, the last of them replaced by `last`.
inline std::vector<TreeShape> many_and_one(std::size_t n, TreeShape shape, TreeShape last) {
  std::vector<TreeShape> trees(n, shape);
  trees.back() = last;
  return trees;
}

}  // namespace sluice::test
