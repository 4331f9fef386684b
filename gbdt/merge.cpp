#include "sluice/gbdt/merge.h"

#include <string>

#include "sluice/base/error.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

void check(std::span<const Forest> bag) {
  if (bag.empty()) throw Error("forest.bag", "the bag has no forests");
  for (std::size_t k = 0; k < bag.size(); ++k) {
    const Forest& forest = bag[k];
    const std::string name = "forest " + std::to_string(k) + " of the bag";
    if (!forest.linear.empty() || !forest.exact_values.empty())
      throw Error("forest.unsupported", name + " is not an XGBoost forest of trees",
                  "train it with booster gbtree or dart");
    if (forest.n_groups != 1)
      throw Error("forest.bag", name + " has " + std::to_string(forest.n_groups) + " outputs",
                  "forests of a bag have one output");
    if (forest.n_features != bag[0].n_features || forest.feature_names != bag[0].feature_names ||
        forest.category_names != bag[0].category_names)
      throw Error("forest.bag", name + " has other features than the first");
    if (forest.link != bag[0].link) throw Error("forest.bag", name + " has another objective than the first");
  }
}

class Merging {
 public:
  explicit Merging(std::span<const Forest> bag) : bag_(bag) {
    const Forest& first = bag[0];
    out_.n_features = first.n_features;
    out_.objective = first.objective;
    out_.link = first.link;
    out_.feature_names = first.feature_names;
    out_.feature_types = first.feature_types;
    out_.category_names = first.category_names;
    out_.category_sets.resize(1);
    double base = 0;
    for (const Forest& forest : bag) base += static_cast<double>(forest.base_margin[0]);
    out_.base_margin = {static_cast<float>(base / static_cast<double>(bag.size()))};
    for (const Forest& forest : bag) {
      sets_before_.push_back(static_cast<std::uint32_t>(out_.category_sets.size()) - 1);
      const auto words = static_cast<std::uint32_t>(out_.category_words.size());
      for (std::size_t s = 1; s < forest.category_sets.size(); ++s)
        out_.category_sets.push_back({forest.category_sets[s].first_word + words, forest.category_sets[s].n_words});
      out_.category_words.insert(out_.category_words.end(), forest.category_words.begin(), forest.category_words.end());
    }
  }

  void add_trees(std::size_t k, std::size_t first, std::size_t last) {
    for (std::size_t t = first; t < last; ++t) add_tree(k, bag_[k].trees[t]);
  }
  std::size_t n_trees() const { return out_.trees.size(); }

  Forest finish() {
    for (std::uint32_t t = 0; t <= out_.trees.size(); ++t) out_.iteration_first.push_back(t);
    prepare(out_);
    return std::move(out_);
  }

 private:
  void add_tree(std::size_t k, Tree tree) {
    const Forest& from = bag_[k];
    const std::uint32_t first = tree.first, to = static_cast<std::uint32_t>(out_.nodes.size());
    for (std::uint32_t at = first; at < first + tree.n_nodes; ++at) {
      Node node = from.nodes[at];
      node.left += to - first;
      if (node.is_leaf())
        node.value = static_cast<float>(static_cast<double>(node.value) / static_cast<double>(bag_.size()));
      else if (node.is_category())
        node.bits += sets_before_[k] << Node::kSetShift;
      out_.nodes.push_back(node);
      out_.cover.push_back(from.cover[at]);
      out_.node_ids.push_back(from.node_ids[at]);
    }
    tree.first = to;
    tree.number = static_cast<std::uint32_t>(out_.trees.size());
    out_.trees.push_back(tree);
  }

  std::span<const Forest> bag_;
  std::vector<std::uint32_t> sets_before_;  // before each forest
  Forest out_;
};

}  // namespace

MergedForest merge(std::span<const Forest> bag, std::span<const double> shares) {
  check(bag);
  MergedForest out;
  Merging merging(bag);
  std::vector<std::size_t> done(bag.size(), 0);
  for (const double share : shares) {
    for (std::size_t k = 0; k < bag.size(); ++k) {
      const auto end = static_cast<std::size_t>(static_cast<double>(bag[k].n_trees()) * share);
      merging.add_trees(k, done[k], end);
      done[k] = end;
    }
    out.ends.push_back(merging.n_trees());
  }
  for (std::size_t k = 0; k < bag.size(); ++k) merging.add_trees(k, done[k], bag[k].n_trees());
  out.forest = merging.finish();
  return out;
}

}  // namespace sluice::gbdt
