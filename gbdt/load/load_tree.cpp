#include "sluice/gbdt/load/load_tree.h"

#include <cmath>
#include <limits>

#include "sluice/base/error.h"

namespace sluice::gbdt {
namespace {

constexpr std::size_t kMaxNodes = std::size_t{1} << 30;

/// A tree's arrays, one element per node in XGBoost's numbering.
struct TreeArrays {
  std::vector<std::int64_t> left, right, feature, default_left, split_type;
  std::vector<float> condition, cover;
  std::vector<float> leaf_vectors;  // vector leaves only: [leaves, n_outputs], or before 3.1 [nodes, n_outputs]
};

/// Categorical splits, one element per split.
struct CategoryArrays {
  std::vector<std::int64_t> nodes, first, sizes, categories;
};

class TreeLoader {
 public:
  TreeLoader(const ModelValue& json, const TreePlace& place, Forest& forest);
  void append_outputs();

 private:
  [[noreturn]] void fail(std::int64_t node, const std::string& what) const;
  void check_sizes(const ModelValue& json) const;
  void read_leaf_vectors(const ModelValue& json);
  void read_categories(const ModelValue& json);
  void append();
  float leaf_value(std::int64_t id) const;
  void put_leaf(std::int64_t id, std::size_t at);
  void put_split(std::int64_t id);
  std::uint32_t add_children(std::int64_t id);

  Forest& forest_;
  std::string source_;
  std::size_t number_;  // of the tree in the file
  float weight_;
  Tree tree_;
  TreeArrays arrays_;
  std::size_t n_outputs_ = 1;                // of a leaf
  bool leaves_are_listed_ = true;            // a leaf's right child is its index in leaf_vectors
  std::vector<std::uint32_t> category_set_;  // one per node, 0 for none; empty for a tree without categories
  std::vector<std::int64_t> order_;          // XGBoost's ids, breadth-first
  std::vector<bool> is_reached_;
};

TreeLoader::TreeLoader(const ModelValue& json, const TreePlace& place, Forest& forest)
    : forest_(forest), source_(json.source()), number_(place.number), weight_(place.weight) {
  arrays_.left = json["left_children"].integers();
  arrays_.right = json["right_children"].integers();
  arrays_.feature = json["split_indices"].integers();
  arrays_.default_left = json["default_left"].integers();
  arrays_.condition = json["split_conditions"].floats();
  if (json.has("sum_hessian"))
    arrays_.cover = json["sum_hessian"].floats();
  else
    arrays_.cover.assign(arrays_.left.size(), 0.0f);
  if (json.has("split_type"))
    arrays_.split_type = json["split_type"].integers();
  else
    arrays_.split_type.assign(arrays_.left.size(), 0);
  check_sizes(json);
  read_leaf_vectors(json);
  tree_.group = place.group;
  tree_.number = place.number;
  if (json.has("categories_nodes")) read_categories(json);
}

void TreeLoader::fail(std::int64_t node, const std::string& what) const {
  throw Error("forest.tree",
              source_ + ": tree " + std::to_string(number_) + ", node " + std::to_string(node) + ": " + what,
              "the file is damaged or was not written by XGBoost");
}

void TreeLoader::check_sizes(const ModelValue& json) const {
  const std::size_t n = arrays_.left.size();
  if (n == 0) json.fail("tree " + std::to_string(number_) + " has no nodes");
  if (json.has("tree_param")) {
    const ModelValue param = json["tree_param"];
    if (param.has("num_nodes") && param["num_nodes"].count() != n)
      json.fail("num_nodes is " + param["num_nodes"].text() + ", but left_children has " + std::to_string(n) +
                " elements");
  }
  const std::size_t sizes[] = {arrays_.right.size(),     arrays_.feature.size(), arrays_.default_left.size(),
                               arrays_.condition.size(), arrays_.cover.size(),   arrays_.split_type.size()};
  for (const std::size_t size : sizes)
    if (size != n)
      json.fail("the node arrays have " + std::to_string(n) + " and " + std::to_string(size) + " elements");
}

void TreeLoader::read_leaf_vectors(const ModelValue& json) {
  if (!json.has("tree_param") || !json["tree_param"].has("size_leaf_vector")) return;
  const std::size_t size = json["tree_param"]["size_leaf_vector"].count();
  if (size <= 1) return;
  if (size != forest_.n_groups)
    json.fail("its leaves have " + std::to_string(size) + " values, but the model has " +
              std::to_string(forest_.n_groups) + " groups");
  n_outputs_ = size;
  leaves_are_listed_ = json.has("leaf_weights");
  arrays_.leaf_vectors = json[leaves_are_listed_ ? "leaf_weights" : "base_weights"].floats();
  if (forest_.nodes.size() + arrays_.left.size() * n_outputs_ > kMaxNodes)
    json.fail("the model has more than " + std::to_string(kMaxNodes) + " nodes");
}

void TreeLoader::read_categories(const ModelValue& json) {
  const CategoryArrays all{json["categories_nodes"].integers(), json["categories_segments"].integers(),
                           json["categories_sizes"].integers(), json["categories"].integers()};
  if (all.nodes.empty()) return;
  if (all.first.size() != all.nodes.size() || all.sizes.size() != all.nodes.size())
    json.fail("categories_nodes, categories_segments and categories_sizes differ in length");
  category_set_.assign(arrays_.left.size(), 0);
  const auto n_categories = static_cast<std::int64_t>(all.categories.size());
  for (std::size_t i = 0; i < all.nodes.size(); ++i) {
    const std::int64_t node = all.nodes[i], first = all.first[i], size = all.sizes[i];
    if (node < 0 || static_cast<std::size_t>(node) >= category_set_.size())
      fail(node, "a category set for a node outside of the tree");
    if (first < 0 || size <= 0 || first > n_categories || size > n_categories - first)
      fail(node, "its category set is outside of the tree's categories");
    CategorySet set{static_cast<std::uint32_t>(forest_.category_words.size()), 0};
    forest_.category_words.push_back(0);
    for (std::int64_t k = first; k < first + size; ++k) {
      const std::int64_t category = all.categories[static_cast<std::size_t>(k)];
      if (category < 0 || category >= (1 << 24))
        fail(node, "category " + std::to_string(category) + " is outside of 0 to 2^24 - 1");
      const auto word = static_cast<std::uint32_t>(category / 32);
      if (word >= set.n_words) forest_.category_words.resize(set.first_word + (set.n_words = word + 1) + 1);
      forest_.category_words[set.first_word + word] |= 1u << (category % 32);
    }
    category_set_[static_cast<std::size_t>(node)] = static_cast<std::uint32_t>(forest_.category_sets.size());
    forest_.category_sets.push_back(set);
  }
}

/// Children are adjacent, after every node reached so far.
std::uint32_t TreeLoader::add_children(std::int64_t id) {
  const auto n = static_cast<std::int64_t>(arrays_.left.size());
  const auto place = static_cast<std::uint32_t>(tree_.first + order_.size());
  for (const std::int64_t child : {arrays_.left[id], arrays_.right[id]}) {
    if (child < 0 || child >= n)
      fail(id, "child " + std::to_string(child) + " is outside of the tree's " + std::to_string(n) + " nodes");
    if (is_reached_[child]) fail(id, "child " + std::to_string(child) + " is reached twice");
    is_reached_[child] = true;
    order_.push_back(child);
  }
  return place;
}

float TreeLoader::leaf_value(std::int64_t id) const {
  if (n_outputs_ == 1) {
    if (arrays_.right[id] != -1) fail(id, "it has a right child but no left child");
    return arrays_.condition[id];
  }
  const std::int64_t leaf = leaves_are_listed_ ? arrays_.right[id] : id;
  if (leaf < 0 || static_cast<std::size_t>(leaf) >= arrays_.leaf_vectors.size() / n_outputs_)
    fail(id, "its leaf " + std::to_string(leaf) + " is outside of the tree's leaf values");
  return arrays_.leaf_vectors[static_cast<std::size_t>(leaf) * n_outputs_ + tree_.group];
}

void TreeLoader::put_leaf(std::int64_t id, std::size_t at) {
  forest_.nodes.push_back({leaf_value(id) * weight_, 0, static_cast<std::uint32_t>(at), 0});
}

void TreeLoader::put_split(std::int64_t id) {
  const std::int64_t feature = arrays_.feature[id], type = arrays_.split_type[id];
  if (feature < 0 || static_cast<std::size_t>(feature) >= forest_.n_features)
    fail(id,
         "feature " + std::to_string(feature) + " of a model of " + std::to_string(forest_.n_features) + " features");
  if (type != 0 && type != 1) fail(id, "split type " + std::to_string(type) + " is unknown");
  const std::uint32_t set = type == 1 && !category_set_.empty() ? category_set_[id] : 0;
  if (type == 1 && set == 0) fail(id, "a categorical split without categories");
  tree_.has_categories |= type == 1;

  Node node;
  node.value = type == 1 ? 0.0f : arrays_.condition[id];
  // No value is below NaN: XGBoost sends all to the right, as the forest's rules do for -infinity.
  if (std::isnan(node.value)) node.value = -std::numeric_limits<float>::infinity();
  node.feature = static_cast<std::uint32_t>(feature);
  node.left = add_children(id);
  node.bits = set << Node::kSetShift | Node::kSplit | (arrays_.default_left[id] != 0 ? 0u : Node::kDefaultRight);
  forest_.nodes.push_back(node);
}

void TreeLoader::append() {
  tree_.first = static_cast<std::uint32_t>(forest_.nodes.size());
  tree_.depth = 0;
  is_reached_.assign(arrays_.left.size(), false);
  is_reached_[0] = true;
  order_ = {0};
  std::size_t level_end = 1;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (i == level_end) {
      ++tree_.depth;
      level_end = order_.size();
    }
    const std::int64_t id = order_[i];
    if (arrays_.left[id] == -1)
      put_leaf(id, tree_.first + i);
    else
      put_split(id);
    forest_.cover.push_back(arrays_.cover[id]);
    forest_.node_ids.push_back(static_cast<std::int32_t>(id));
  }
  tree_.n_nodes = static_cast<std::uint32_t>(order_.size());
  forest_.trees.push_back(tree_);
}

void TreeLoader::append_outputs() {
  if (n_outputs_ == 1) return append();
  for (tree_.group = 0; tree_.group < n_outputs_; ++tree_.group) append();
}

}  // namespace

void append_tree(const ModelValue& json, const TreePlace& place, Forest& forest) {
  TreeLoader(json, place, forest).append_outputs();
}

}  // namespace sluice::gbdt
