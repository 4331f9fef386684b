#include "sluice/gbdt/load/load_lightgbm_tree.h"

#include <cmath>
#include <limits>

namespace sluice::gbdt {
namespace {

constexpr float kZero = 1e-35f;  // LightGBM's kZeroThreshold
// Beyond this, float32 cells cannot represent a category's code.
constexpr std::int64_t kMaxSetWords = (1 << 24) / 32;

enum class Missing { none, zero, nan };  // as in decision_type

/// A leaf of a tree that is not linear adds its exact value for every row.
void fill_linear(Forest& forest) {
  for (std::size_t at = forest.linear_leaves.size(); at < forest.exact_values.size(); ++at)
    forest.linear_leaves.push_back({forest.exact_values[at], forest.linear_terms.size(), 0});
}

/// The additional lines of a linear tree: for each leaf a constant and a number of terms, then the terms of all leaves.
struct LinearLines {
  explicit LinearLines(const LightgbmSection& section)
      : constant(section.numbers("leaf_const")),
        n_terms(section.integers("num_features")),
        feature(section.integers("leaf_features")),
        weight(section.numbers("leaf_coeff")) {}

  std::vector<double> constant;
  std::vector<std::int64_t> n_terms, feature;
  std::vector<double> weight;
};

/// A tree's lines. A child c >= 0 is a split, c < 0 is the leaf ~c.
struct TreeLines {
  explicit TreeLines(const LightgbmSection& section)
      : feature(section.integers("split_feature")),
        decision(section.integers("decision_type")),
        left(section.integers("left_child")),
        right(section.integers("right_child")),
        split_count(section.numbers("internal_count")),
        leaf_count(section.numbers("leaf_count")),
        boundaries(section.integers("cat_boundaries")),
        words(section.integers("cat_threshold")),
        threshold(section.numbers("threshold")),
        leaf_value(section.numbers("leaf_value")) {}

  std::vector<std::int64_t> feature, decision, left, right;
  std::vector<double> split_count, leaf_count;
  std::vector<std::int64_t> boundaries, words;
  std::vector<double> threshold, leaf_value;
};

class LightgbmTree {
 public:
  LightgbmTree(const LightgbmSection& section, Forest& forest);
  void append(std::uint32_t number, std::uint32_t group);

 private:
  static std::string name(std::int64_t id) {
    return id < 0 ? "leaf " + std::to_string(~id) : "node " + std::to_string(id);
  }
  void append_linear(const LinearLines& lines);
  void put_leaf(std::int64_t id, std::size_t at);
  void put_split(std::int64_t id);
  void put_numeric(std::int64_t id, Missing type, Node& node) const;
  std::uint32_t add_set(std::int64_t id);
  std::uint32_t add_children(std::int64_t id, bool swapped);

  const LightgbmSection& section_;
  TreeLines lines_;
  Forest& forest_;
  Tree tree_;
  std::vector<std::int64_t> order_;
  std::vector<bool> split_is_reached_, leaf_is_reached_;
};

LightgbmTree::LightgbmTree(const LightgbmSection& section, Forest& forest)
    : section_(section), lines_(section), forest_(forest) {
  if (!section.has("num_cat"))
    section.refuse("trees of LightGBM before 2.0.5 are not supported, as in later versions of LightGBM",
                   "train the model again with a newer LightGBM");
  const std::int64_t n_leaves = section.integer("num_leaves");
  if (n_leaves < 1 || static_cast<std::uint64_t>(n_leaves) != lines_.leaf_value.size())
    section.fail("num_leaves is " + std::to_string(n_leaves) + ", but leaf_value has " +
                 std::to_string(lines_.leaf_value.size()) + " elements");
  const std::size_t n_splits = lines_.leaf_value.size() - 1;
  if (lines_.leaf_count.empty()) lines_.leaf_count.assign(n_splits + 1, 0.0);
  if (lines_.split_count.empty()) lines_.split_count.assign(n_splits, 0.0);
  if (!section.has("decision_type")) lines_.decision.assign(n_splits, 0);
  const bool is_whole = lines_.feature.size() == n_splits && lines_.threshold.size() == n_splits &&
                        lines_.decision.size() == n_splits && lines_.left.size() == n_splits &&
                        lines_.right.size() == n_splits && lines_.split_count.size() == n_splits &&
                        lines_.leaf_count.size() == n_splits + 1;
  // A tree of one leaf may have the lines of splits that it does not have.
  if (!is_whole && n_splits > 0)
    section.fail("its lines must have one element for each of " + std::to_string(n_splits) + " splits");
  split_is_reached_.assign(n_splits, false);
  leaf_is_reached_.assign(n_splits + 1, false);
}

std::uint32_t LightgbmTree::add_children(std::int64_t id, bool swapped) {
  const auto place = static_cast<std::uint32_t>(tree_.first + order_.size());
  const std::int64_t left = lines_.left[id], right = lines_.right[id];
  for (const std::int64_t child : {swapped ? right : left, swapped ? left : right}) {
    std::vector<bool>& is_reached = child < 0 ? leaf_is_reached_ : split_is_reached_;
    const auto index = static_cast<std::uint64_t>(child < 0 ? ~child : child);
    if (index >= is_reached.size())
      section_.fail_tree(name(id), "its child, " + name(child) + ", is outside of the tree");
    if (is_reached[index] || child == 0)
      section_.fail_tree(name(id), "its child, " + name(child) + ", is reached twice");
    is_reached[index] = true;
    order_.push_back(child);
  }
  return place;
}

std::uint32_t LightgbmTree::add_set(std::int64_t id) {
  const double index = lines_.threshold[id];
  if (!(index >= 0.0 && index + 1.0 < static_cast<double>(lines_.boundaries.size())))
    section_.fail_tree(name(id), "its category set is outside of the tree's");
  const auto k = static_cast<std::size_t>(index);
  const std::int64_t first = lines_.boundaries[k], end = lines_.boundaries[k + 1];
  if (first < 0 || end < first || static_cast<std::uint64_t>(end) > lines_.words.size())
    section_.fail_tree(name(id), "its category set is outside of the tree's");
  if (end - first > kMaxSetWords)
    section_.refuse(name(id) + " splits on a category of " + std::to_string(32 * kMaxSetWords) + " or more",
                    "number the categories from 0 before training");
  const CategorySet set{static_cast<std::uint32_t>(forest_.category_words.size()),
                        static_cast<std::uint32_t>(end - first)};
  for (std::int64_t i = first; i < end; ++i) {
    const std::int64_t word = lines_.words[static_cast<std::size_t>(i)];
    if (word < 0 || word > 0xffffffff) section_.fail_tree(name(id), "a word of its category set has more than 32 bits");
    forest_.category_words.push_back(static_cast<std::uint32_t>(word));
  }
  forest_.category_words.push_back(0);
  forest_.category_sets.push_back(set);
  return static_cast<std::uint32_t>(forest_.category_sets.size() - 1);
}

/// After the tree's nodes; order_ has the leaf numbers.
void LightgbmTree::append_linear(const LinearLines& lines) {
  const std::size_t n_leaves = lines_.leaf_value.size();
  if (lines.constant.size() != n_leaves || lines.n_terms.size() != n_leaves)
    section_.fail("leaf_const and num_features must have one element for each of " + std::to_string(n_leaves) +
                  " leaves");
  std::vector<LinearLeaf> leaves;
  std::size_t end = 0;
  for (std::size_t leaf = 0; leaf < n_leaves; ++leaf) {
    const auto n_terms = static_cast<std::uint64_t>(lines.n_terms[leaf]);
    if (n_terms > lines.feature.size() - end) section_.fail("leaf_features has too few elements");
    leaves.push_back({lines.constant[leaf], forest_.linear_terms.size() + end, n_terms});
    end += n_terms;
  }
  if (end != lines.feature.size() || end != lines.weight.size())
    section_.fail("leaf_features and leaf_coeff must have one element per term");
  for (std::size_t k = 0; k < end; ++k) {
    if (static_cast<std::uint64_t>(lines.feature[k]) >= forest_.n_features)
      section_.fail("leaf_features: the model has no feature " + std::to_string(lines.feature[k]));
    forest_.linear_terms.push_back({static_cast<std::uint32_t>(lines.feature[k]), lines.weight[k]});
  }
  fill_linear(forest_);
  for (std::size_t i = 0; i < order_.size(); ++i)
    if (order_[i] < 0) forest_.linear_leaves[tree_.first + i] = leaves[static_cast<std::size_t>(~order_[i])];
}

void LightgbmTree::put_leaf(std::int64_t id, std::size_t at) {
  const double value = lines_.leaf_value[~id];
  const auto narrow = static_cast<float>(value / forest_.exact_divisor);
  forest_.nodes.push_back({narrow, 0, static_cast<std::uint32_t>(at), 0});
  forest_.cover.push_back(static_cast<float>(lines_.leaf_count[~id]));
  forest_.exact_values.push_back(value);
}

/// With missing type None, NaN is 0.
void LightgbmTree::put_numeric(std::int64_t id, Missing type, Node& node) const {
  const double threshold = lines_.threshold[id];
  node.value = above(threshold);
  const bool default_left = type == Missing::none ? threshold >= 0.0 : (lines_.decision[id] & 2) != 0;
  node.bits |= (default_left ? 0u : Node::kDefaultRight) | (type == Missing::zero ? Node::kZeroMissing : 0u);
}

void LightgbmTree::put_split(std::int64_t id) {
  const std::int64_t feature = lines_.feature[id], decision = lines_.decision[id];
  if (feature < 0 || static_cast<std::uint64_t>(feature) >= forest_.n_features)
    section_.fail_tree(name(id), "feature " + std::to_string(feature) + " of a model of " +
                                     std::to_string(forest_.n_features) + " features");
  const std::int64_t type = (decision >> 2) & 3;
  if (decision < 0 || decision > 15 || type > 2)
    section_.fail_tree(name(id), "decision type " + std::to_string(decision) + " is unknown");
  Node node;
  node.feature = static_cast<std::uint32_t>(feature);
  node.bits = Node::kSplit;
  const bool is_category = (decision & 1) != 0;
  if (is_category) {
    node.bits |= add_set(id) << Node::kSetShift;
    tree_.has_categories = true;
  } else {
    put_numeric(id, static_cast<Missing>(type), node);
  }
  node.left = add_children(id, is_category);
  forest_.nodes.push_back(node);
  forest_.cover.push_back(static_cast<float>(lines_.split_count[id]));
  forest_.exact_values.push_back(0.0);
}

void LightgbmTree::append(std::uint32_t number, std::uint32_t group) {
  tree_.first = static_cast<std::uint32_t>(forest_.nodes.size());
  tree_.number = number;
  tree_.group = group;
  order_ = {split_is_reached_.empty() ? ~std::int64_t{0} : 0};
  std::size_t level_end = 1;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (i == level_end) {
      ++tree_.depth;
      level_end = order_.size();
    }
    const std::int64_t id = order_[i];
    if (id < 0)
      put_leaf(id, tree_.first + i);
    else
      put_split(id);
    forest_.node_ids.push_back(static_cast<std::int32_t>(id < 0 ? ~id : id));
  }
  if (const std::size_t n = split_is_reached_.size() + leaf_is_reached_.size(); order_.size() != n)
    section_.fail(std::to_string(n - order_.size()) + " of its splits and leaves cannot be reached from its root");
  tree_.n_nodes = static_cast<std::uint32_t>(order_.size());
  forest_.trees.push_back(tree_);
  const bool is_linear = section_.has("is_linear") && section_.integer("is_linear") != 0;
  if (is_linear) append_linear(LinearLines(section_));
  if (!forest_.linear_leaves.empty()) fill_linear(forest_);
}

}  // namespace

float above(double threshold) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr auto kLargest = static_cast<double>(std::numeric_limits<float>::max());
  // LightGBM's functions read x as 0 if |x| <= 1e-35: all of these go where 0 goes.
  if (threshold >= 0.0 && threshold <= static_cast<double>(kZero)) return std::nextafter(kZero, kInfinity);
  if (threshold < 0.0 && threshold >= -static_cast<double>(kZero)) return -kZero;
  // x <= inf holds for all numbers, x <= NaN for none.
  if (threshold == std::numeric_limits<double>::infinity()) return std::numeric_limits<float>::quiet_NaN();
  if (std::isnan(threshold)) return -kInfinity;
  // Beyond float32's range the cast would be undefined.
  if (threshold > kLargest) return kInfinity;
  if (threshold < -kLargest) return -std::numeric_limits<float>::max();
  const auto nearest = static_cast<float>(threshold);
  return static_cast<double>(nearest) > threshold ? nearest : std::nextafter(nearest, kInfinity);
}

void append_lightgbm_tree(const LightgbmSection& section, std::uint32_t number, std::uint32_t group, Forest& forest) {
  LightgbmTree(section, forest).append(number, group);
}

}  // namespace sluice::gbdt
