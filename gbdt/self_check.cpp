#include "sluice/gbdt/self_check.h"

#include "sluice/base/random.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

struct SelfCheckShape {
  std::size_t n_trees, n_features;
  std::uint32_t depth;
  bool with_categories = false;
  std::size_t n_groups = 1;
};

constexpr SelfCheckShape kShapes[] = {
    {200, 5, 0},  {200, 5, 1, true}, {60, 5, 3, true}, {60, 60, 6},        {60, 100, 6, true},
    {60, 200, 6}, {60, 600, 6},      {40, 10, 9},      {30, 10, 14, true}, {60, 10, 5, true, 5},
};

void add_set(Forest& forest, Random& random) {
  const auto n_words = static_cast<std::uint32_t>(1 + random.below(4));
  forest.category_sets.push_back({static_cast<std::uint32_t>(forest.category_words.size()), n_words});
  for (std::uint32_t k = 0; k < n_words; ++k)
    forest.category_words.push_back(static_cast<std::uint32_t>(random.next()) | 1u);
  forest.category_words.push_back(0);
}

Node split(Forest& forest, bool with_categories, Random& random) {
  Node node;
  node.feature = static_cast<std::uint32_t>(random.below(forest.n_features));
  node.bits = Node::kSplit | (random.below(2) == 0 ? Node::kDefaultRight : 0u);
  if (with_categories && node.feature % 3 == 2) {
    node.bits |= static_cast<std::uint32_t>(forest.category_sets.size()) << Node::kSetShift;
    add_set(forest, random);
  } else {
    node.value = static_cast<float>(random.normal());
  }
  return node;
}

/// In breadth-first order, as forest.h has them.
void add_tree(Forest& forest, const SelfCheckShape& shape, Random& random) {
  Tree tree;
  tree.first = static_cast<std::uint32_t>(forest.nodes.size());
  tree.number = static_cast<std::uint32_t>(forest.trees.size());
  tree.group = static_cast<std::uint32_t>(forest.trees.size() % shape.n_groups);
  tree.has_categories = shape.with_categories;
  std::vector<std::uint32_t> levels = {0};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto at = static_cast<std::uint32_t>(tree.first + i);
    if (levels[i] == shape.depth || (levels[i] > 2 && random.below(3) == 0)) {
      forest.nodes.push_back({static_cast<float>(random.normal()), 0, at, 0});
      continue;
    }
    Node node = split(forest, shape.with_categories, random);
    node.left = static_cast<std::uint32_t>(tree.first + levels.size());
    forest.nodes.push_back(node);
    levels.insert(levels.end(), 2, levels[i] + 1);
    tree.depth = std::max(tree.depth, levels.back());
  }
  tree.n_nodes = static_cast<std::uint32_t>(levels.size());
  forest.trees.push_back(tree);
}

}  // namespace

std::vector<std::string> self_check() {
  std::vector<std::string> warnings;
  Random random(20261202);
  for (const SelfCheckShape& shape : kShapes) {
    Forest forest;
    forest.n_features = shape.n_features;
    forest.n_groups = shape.n_groups;
    forest.base_margin.assign(shape.n_groups, 0.0f);
    forest.category_sets.emplace_back();
    forest.category_words.push_back(0);
    while (forest.n_trees() < shape.n_trees) add_tree(forest, shape, random);
    prepare(forest);
    warnings.insert(warnings.end(), forest.warnings.begin(), forest.warnings.end());
  }
  return warnings;
}

}  // namespace sluice::gbdt
