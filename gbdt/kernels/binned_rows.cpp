#include <algorithm>
#include <bit>

#include "sluice/gbdt/kernels/binned_columns.h"
#include "sluice/gbdt/kernels/binned_forest.h"
#include "sluice/gbdt/kernels/predict_walk.h"

namespace sluice::gbdt {
namespace {

std::uint32_t max_depth(const Forest& forest) {
  std::uint32_t depth = 0;
  for (const Tree& tree : forest.trees) depth = std::max(depth, tree.depth);
  return depth;
}

/// Levels of each tier: all tiers but the first have six.
std::vector<std::uint32_t> tier_levels_of(const Forest& forest) {
  const std::uint32_t depth = max_depth(forest);
  std::vector<std::uint32_t> levels((depth + kMaxLevels - 1) / kMaxLevels, kMaxLevels);
  levels[0] = depth - static_cast<std::uint32_t>(kMaxLevels * (levels.size() - 1));
  return levels;
}

// For smaller trees a walk is faster (script/bench gbdt --all: tiny trees), unless no tree has a second level.
constexpr double kMinRowLevels = 2;

std::uint32_t size_of(const auto& items) { return static_cast<std::uint32_t>(items.size()); }

/// The average number of levels that a walk of adjacent trees goes down.
double walked_levels(const Forest& forest) {
  std::size_t sum = 0;
  for (std::size_t first = 0; first < forest.n_trees(); first += kTreesAbreast) {
    const std::size_t n = std::min(kTreesAbreast, forest.n_trees() - first);
    std::uint32_t deepest = 0;
    for (std::size_t t = first; t < first + n; ++t) deepest = std::max(deepest, forest.trees[t].depth);
    sum += n * deepest;
  }
  return static_cast<double>(sum) / static_cast<double>(forest.n_trees());
}

class RowBuilder {
 public:
  RowBuilder(const Forest& forest, ColumnMap& columns, BinnedForest& out)
      : forest_(forest), columns_(columns), out_(out), rows_(out.rows) {}

  /// False as soon as the blocks need too much memory, which can happen only with several tiers.
  bool build() {
    if (max_depth(forest_) <= 1) return build_stumps();
    rows_.tier_levels = tier_levels_of(forest_);
    if (rows_.tier_levels.size() > kMaxTiers) return false;
    const std::size_t limit = kMaxBytesANode * forest_.nodes.size() + (1 << 16);
    rows_.blocks.resize(forest_.n_trees());
    for (std::size_t t = 0; t < forest_.n_trees(); ++t) {
      for (Pending next{forest_.trees[t].first, 0, static_cast<std::uint32_t>(t)};;) {
        fill(next);
        if (pending_.empty()) break;
        next = pending_.back();
        pending_.pop_back();
      }
      if (!rows_.are_heaps() && out_.memory_bytes() > limit) return false;
    }
    return true;
  }

 private:
  bool build_stumps() {
    constexpr std::size_t kWidth = RowBlocks::kStumpsABlock;
    rows_.tier_levels = {0};
    rows_.blocks.resize((forest_.n_trees() + kWidth - 1) / kWidth);
    rows_.exits.resize(2 * kWidth * rows_.blocks.size());
    for (std::size_t b = 0; b < rows_.blocks.size(); ++b) {
      open();
      block_.exits = static_cast<std::uint32_t>(2 * kWidth * b);
      const std::size_t first = kWidth * b, n = std::min(kWidth, forest_.n_trees() - first);
      for (std::size_t place = 0; place < n; ++place) {
        const std::uint32_t root = forest_.trees[first + place].first;
        const Node& node = forest_.nodes[root];
        if (!node.is_leaf()) put_split(node, static_cast<std::uint32_t>(place));
        rows_.exits[block_.exits + place] = leaf_bits(node.is_leaf() ? root : node.left);
        rows_.exits[block_.exits + kWidth + place] = leaf_bits(node.is_leaf() ? root : node.left + 1);
      }
      close(rows_.blocks[b]);
    }
    return true;
  }

  struct Pending {
    std::uint32_t at, tier, block;
  };

  void open() {
    block_ = {};
    block_.nodes = size_of(rows_.nodes);
    block_.first_lane = size_of(rows_.lanes.word);
    block_.first_category = size_of(rows_.categories);
    nodes_ = {};
    std::fill_n(nodes_.cut, 64, kNoCut);
  }

  void close(Block& block) {
    rows_.nodes.push_back(nodes_);
    while (rows_.lanes.word.size() % 8 != 0) add_lane(0, 0, 0, 0);
    block_.n_lanes = size_of(rows_.lanes.word) - block_.first_lane;
    block_.n_categories = size_of(rows_.categories) - block_.first_category;
    block = block_;
  }

  void fill(const Pending& task) {
    if (task.tier > 0 && forest_.nodes[task.at].is_leaf()) return fill_passage(task);
    open();
    block_.exits = size_of(rows_.exits);
    const std::vector<std::uint32_t> exits = put_heap(task.at, rows_.tier_levels[task.tier]);
    close(rows_.blocks[task.block]);
    put_exits(task, exits);
  }

  /// A leaf that is reached before the last tier: its blocks send everything left, to their only exit.
  void fill_passage(const Pending& task) {
    if (passage_ == kNone) {
      passage_ = size_of(rows_.nodes);
      rows_.nodes.emplace_back();
      std::fill_n(rows_.nodes.back().cut, 64, kNoCut);
    }
    Block block;
    block.nodes = passage_;
    block.exits = size_of(rows_.exits);
    rows_.blocks[task.block] = block;
    put_exits(task, {task.at});
  }

  /// Writes a heap's splits; returns the forest's nodes at its exits.
  std::vector<std::uint32_t> put_heap(std::uint32_t root, std::uint32_t levels) {
    std::vector<std::uint32_t> at(std::size_t{2} << levels, root);
    for (std::uint32_t place = 1; place < 1u << levels; ++place) {
      const Node& node = forest_.nodes[at[place]];
      at[2 * place] = node.left;
      at[2 * place + 1] = node.is_leaf() ? node.left : node.left + 1;
      if (!node.is_leaf()) put_split(node, place);
    }
    return {at.begin() + (std::ptrdiff_t{1} << levels), at.end()};
  }

  void put_split(const Node& node, std::uint32_t place) {
    if (node.is_category()) {
      const CategoryNode category = columns_.category_of(node, place, out_.bins);
      if (category.n_words == 0) rows_.categories.push_back(category);
      for (std::uint32_t k = 0; k < category.n_words; ++k)
        add_lane(out_.bins.category_words[category.first_word + k], category.column, 64 * k, place);
      return;
    }
    const ColumnMap::Cut cut = columns_.cut_of(node);
    const bool is_marked = !node.default_right() && columns_.n_columns() <= kMarkedColumns;
    nodes_.column[place] = static_cast<std::uint8_t>(cut.column | (is_marked ? kMarkedColumns : 0));
    nodes_.cut[place] = cut.byte;
    if (!node.default_right()) block_.default_left |= 1ull << place;
  }

  void add_lane(std::uint64_t word, std::size_t column, std::size_t base, std::size_t place) {
    rows_.lanes.word.push_back(word);
    rows_.lanes.column.push_back(static_cast<std::uint8_t>(column));
    rows_.lanes.base.push_back(static_cast<std::uint8_t>(base));
    rows_.lanes.place.push_back(static_cast<std::uint8_t>(place));
  }

  std::uint32_t leaf_bits(std::uint32_t node) const { return std::bit_cast<std::uint32_t>(forest_.nodes[node].value); }

  void put_leaves(const std::vector<std::uint32_t>& at) {
    for (const std::uint32_t node : at) rows_.exits.push_back(leaf_bits(node));
  }

  /// The contents of a tier's exits: leaf values, or blocks of the next tier. Neighbouring exits on one node share a
  /// block.
  void put_exits(const Pending& task, const std::vector<std::uint32_t>& at) {
    if (task.tier + 1 == rows_.tier_levels.size()) return put_leaves(at);
    for (std::size_t k = 0; k < at.size(); ++k) {
      if (k > 0 && at[k] == at[k - 1]) {
        rows_.exits.push_back(rows_.exits.back());
        continue;
      }
      pending_.push_back({at[k], task.tier + 1, size_of(rows_.blocks)});
      rows_.exits.push_back(size_of(rows_.blocks));
      rows_.blocks.emplace_back();
    }
  }

  const Forest& forest_;
  ColumnMap& columns_;
  BinnedForest& out_;
  RowBlocks& rows_;
  std::vector<Pending> pending_;

  // The current block.
  Block block_;
  BlockNodes nodes_;

  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t passage_ = kNone;
};

}  // namespace

void add_row_blocks(const Forest& forest, ColumnMap& columns, BinnedForest& binned) {
  const bool are_small = walked_levels(forest) < kMinRowLevels && max_depth(forest) > 1;
  if (columns.n_columns() > kMaxNamedColumns || are_small) return;
  if (!RowBuilder(forest, columns, binned).build()) binned.rows = {};
}

}  // namespace sluice::gbdt
