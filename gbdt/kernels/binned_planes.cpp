#include <algorithm>
#include <bit>

#include "sluice/gbdt/kernels/binned_columns.h"
#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {
namespace {

class PlaneBuilder {
 public:
  PlaneBuilder(const Forest& forest, ColumnMap& columns, BinnedForest& out)
      : forest_(forest), columns_(columns), bins_(out.bins), out_(out.planes) {}

  void add_tree(const Tree& tree) {
    out_.first_part.push_back(static_cast<std::uint32_t>(out_.parts.size()));
    tree.depth <= kMaxLevels ? add_heap(tree) : add_lists(tree);
  }

  void end() {
    out_.first_part.push_back(static_cast<std::uint32_t>(out_.parts.size()));
    begin(0);
    out_.leaves.resize(out_.leaves.size() + kMaxLeaves);
  }

 private:
  struct Turn {
    std::uint8_t left = 0, right = 0, bits = 0;
  };

  void add_heap(const Tree& tree) {
    begin(static_cast<std::uint8_t>(tree.depth));
    std::uint32_t at[2 << kMaxLevels] = {0, tree.first};
    const std::uint32_t n_places = 1u << tree.depth;
    for (std::uint32_t place = 1; place < n_places; ++place) {
      const Node& node = forest_.nodes[at[place]];
      at[2 * place] = node.left;
      at[2 * place + 1] = node.is_leaf() ? node.left : node.left + 1;
      if (node.is_category())
        out_.categories.push_back(columns_.category_of(node, place, bins_));
      else if (!node.is_leaf())
        add_split(node, place, {});
    }
    for (std::uint32_t place = n_places; place < 2 * n_places; ++place) add_leaf(forest_.nodes[at[place]].value);
  }

  /// The largest subtrees that fit a list, each with the path that leads to it. If a row leaves the path, another list
  /// gives the tree's value, and this one gives -0.0: adding -0.0 changes no sum.
  void add_lists(const Tree& tree) {
    out_.have_lists = true;
    tree_ = &tree;
    n_splits_.assign(tree_->n_nodes, 0);
    for (std::uint32_t i = tree_->n_nodes; i-- > 0;) {  // children follow their parents
      const Node& node = forest_.nodes[tree_->first + i];
      const std::uint32_t left = node.left - tree_->first;
      if (!node.is_leaf()) n_splits_[i] = 1 + n_splits_[left] + n_splits_[left + 1];
    }
    path_.clear();
    add_lists_below(0);
  }

  const Node& node_at(std::uint32_t i) const { return forest_.nodes[tree_->first + i]; }
  std::uint32_t left_of(std::uint32_t i) const { return node_at(i).left - tree_->first; }

  void begin(std::uint8_t levels) {
    out_.parts.push_back({static_cast<std::uint32_t>(out_.nodes.size()),
                          static_cast<std::uint32_t>(out_.categories.size()),
                          static_cast<std::uint32_t>(out_.leaves.size()), levels});
  }

  void add_leaf(float value) { out_.leaves.push_back(std::bit_cast<std::uint32_t>(value)); }

  void add_lists_below(std::uint32_t i) {
    if (path_.size() + n_splits_[i] <= kMaxSplitsAList) return add_list(i);
    path_.push_back(i);
    add_lists_below(left_of(i));
    add_lists_below(left_of(i) + 1);
    path_.pop_back();
  }

  void add_list(std::uint32_t top) {
    begin(PlanePart::kList);
    place_.assign(tree_->n_nodes, kAway);
    std::vector<std::uint32_t> splits = path_;
    if (n_splits_[top] > 0) splits.push_back(top);
    place_[top] = kLeaf;
    for (std::size_t k = path_.size(); k < splits.size(); ++k)
      for (const std::uint32_t child : {left_of(splits[k]), left_of(splits[k]) + 1}) {
        place_[child] = kLeaf;
        if (n_splits_[child] > 0) splits.push_back(child);
      }
    for (std::size_t k = 0; k < splits.size(); ++k) place_[splits[k]] = static_cast<int>(k);
    write_leaves();
    for (std::size_t k = 0; k < splits.size(); ++k) {
      const std::uint32_t left = left_of(splits[k]);
      add_split(
          node_at(splits[k]), static_cast<std::uint32_t>(k),
          {number_of(left), number_of(left + 1), static_cast<std::uint8_t>(first_leaf_[left] ^ first_leaf_[left + 1])});
    }
  }

  /// From left to right, so that the leaves below a node have consecutive numbers.
  void write_leaves() {
    first_leaf_.assign(tree_->n_nodes, 0);
    std::vector<std::uint32_t> open = {0};
    for (std::uint32_t n = 0; !open.empty();) {
      const std::uint32_t i = open.back();
      open.pop_back();
      first_leaf_[i] = n;
      if (place_[i] >= 0) {
        open.push_back(left_of(i) + 1);
        open.push_back(left_of(i));
      } else {
        add_leaf(place_[i] == kLeaf ? node_at(i).value : -0.0f);
        ++n;
      }
    }
  }

  std::uint8_t number_of(std::uint32_t i) const { return static_cast<std::uint8_t>(std::max(place_[i], 0)); }

  /// A list includes its categorical splits, so that rows are followed through them.
  void add_split(const Node& node, std::uint32_t place, Turn turn) {
    PlaneNode out{};
    out.excluded = static_cast<std::uint16_t>(columns_.n_numeric());
    out.place = static_cast<std::uint8_t>(place);
    out.left = turn.left;
    out.right = turn.right;
    out.turn_bits = turn.bits;
    if (node.is_category()) {
      out_.categories.push_back(columns_.category_of(node, place, bins_));
    } else {
      const ColumnMap::Cut cut = columns_.cut_of(node);
      out.column = static_cast<std::uint16_t>(cut.column);
      out.cut = cut.byte;
      if (!node.default_right()) out.excluded = out.column;
    }
    out_.nodes.push_back(out);
  }

  const Forest& forest_;
  ColumnMap& columns_;
  Bins& bins_;
  Planes& out_;

  // Of the current tree; nodes by their index in it.
  static constexpr int kAway = -2, kLeaf = -1;
  const Tree* tree_ = nullptr;
  std::vector<std::uint32_t> n_splits_;  // in the subtree
  std::vector<std::uint32_t> path_;
  // Place in the current list; kLeaf for one of its leaves, kAway if the list does not reach the node.
  std::vector<int> place_;
  std::vector<std::uint32_t> first_leaf_;
};

}  // namespace

/// Leaves `planes` empty if a path is longer than lists support, or if trees that need lists have so many splits that
/// one row at a time is faster.
void add_planes(const Forest& forest, ColumnMap& columns, BinnedForest& binned) {
  std::uint32_t depth = 0;
  for (const Tree& tree : forest.trees) depth = std::max(depth, tree.depth);
  const std::size_t n_trees = forest.n_trees(), n_splits = (forest.nodes.size() - n_trees) / 2;
  if (depth > kMaxListDepth || (depth > kMaxLevels && n_splits > kMaxSplitsATree * n_trees)) return;
  PlaneBuilder builder(forest, columns, binned);
  for (const Tree& tree : forest.trees) builder.add_tree(tree);
  builder.end();
}

}  // namespace sluice::gbdt
