#pragma once
/// Forests by shape: with a given depth, number and mix of trees, which random forests rarely have.

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
  // Categories of splits on features 2, 5, 8, …, as in random_forest.h; 0: no such splits.
  int n_categories = 0;
  float kept = 1;         // the share of a split's cover that its children have
  bool has_cover = true;  // false: all covers are 0, as in a file without them
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
  // In turn: a forest with as many splits as features has each of them once. Few are drawn, so that the repeats on a
  // path vary.
  node.feature = forest.n_features > 6 ? next_feature++ % forest.n_features
                                       : static_cast<int>(random.below(static_cast<std::uint64_t>(forest.n_features)));
  node.default_left = random.below(2) == 0;
  node.value = static_cast<float>(random.normal());
  if (shape.n_categories > 0 && node.feature % 3 == 2)
    for (int c = 0; c < shape.n_categories; ++c)
      if (c + 1 == shape.n_categories || random.below(2) == 0) node.categories.push_back(c);
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
    tree.nodes[0].cover = of.has_cover ? static_cast<float>(random.uniform(100, 1000)) : 0.0f;
    detail::grow_shape(tree, 0, of.depth, shape, of, next_feature, random);
    model.trees.push_back(std::move(tree));
  }
  return model;
}

/// Writes categories around the trees' last one to a row's cells: from one less to two more.
inline void put_last_categories(const ForestShape& shape, FloatTable& rows) {
  int n = 0;
  for (const TreeShape& tree : shape.trees) n = std::max(n, tree.n_categories);
  for (std::size_t i = 0; n > 0 && i < std::min<std::size_t>(4, rows.n_rows()); ++i)
    for (std::size_t f = 2; f < static_cast<std::size_t>(shape.n_features); f += 3)
      rows.row(i)[f] = static_cast<float>(n - 2) + static_cast<float>(i);
}

/// `n` trees of one shape, the last of them replaced by `last`.
inline std::vector<TreeShape> many_and_one(std::size_t n, TreeShape shape, TreeShape last) {
  std::vector<TreeShape> trees(n, shape);
  trees.back() = last;
  return trees;
}

}  // namespace sluice::test
