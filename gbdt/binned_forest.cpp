#include "sluice/gbdt/binned_forest.h"

#include <algorithm>
#include <bit>

#include "sluice/gbdt/binned_columns.h"

namespace sluice::gbdt {
namespace {

/// Levels of each stage: all stages but the first have six.
std::vector<std::uint32_t> stage_levels_of(const Forest& forest) {
  std::uint32_t depth = 1;
  for (const Tree& tree : forest.trees) depth = std::max(depth, tree.depth);
  std::vector<std::uint32_t> levels((depth + kMaxLevels - 1) / kMaxLevels, kMaxLevels);
  levels[0] = depth - static_cast<std::uint32_t>(kMaxLevels * (levels.size() - 1));
  return levels;
}

class Builder {
 public:
  Builder(const Forest& forest, ColumnMap& columns, BinnedForest& out)
      : forest_(forest), columns_(columns), out_(out), n_stages_(out.stage_levels.size()) {}

  /// False as soon as the blocks take too much room.
  bool build() {
    const std::size_t limit = kMaxBytesANode * forest_.nodes.size() + (1 << 16);
    out_.blocks.resize(forest_.n_trees());
    for (std::size_t t = 0; t < forest_.n_trees(); ++t) {
      for (Pending next{forest_.trees[t].first, 0, static_cast<std::uint32_t>(t)};;) {
        fill(next);
        if (pending_.empty()) break;
        next = pending_.back();
        pending_.pop_back();
      }
      if (out_.memory_bytes() > limit) return false;
    }
    return true;
  }

 private:
  struct Pending {
    std::uint32_t at, stage, block;
  };

  /// A leaf that is reached before the last stage: its blocks send everything left, to their only exit.
  void fill_passage(const Pending& task) {
    if (passage_ == kNone) {
      passage_ = static_cast<std::uint32_t>(out_.nodes.size());
      out_.nodes.emplace_back();
      std::fill_n(out_.nodes.back().cut, 64, kNoCut);
    }
    Block block;
    block.nodes = passage_;
    block.exits = static_cast<std::uint32_t>(out_.exits.size());
    put_exits(task, {task.at});
    out_.blocks[task.block] = block;
  }

  void fill(const Pending& task) {
    if (task.stage > 0 && forest_.nodes[task.at].is_leaf()) return fill_passage(task);
    const std::uint32_t levels = out_.stage_levels[task.stage];
    Block block;
    block.nodes = static_cast<std::uint32_t>(out_.nodes.size());
    block.exits = static_cast<std::uint32_t>(out_.exits.size());
    block.first_lane = static_cast<std::uint32_t>(out_.lanes.word.size());
    block.first_category = static_cast<std::uint32_t>(out_.categories.size());
    BlockNodes nodes{};
    std::fill_n(nodes.cut, 64, kNoCut);
    std::vector<std::uint32_t> at(2ull << levels, task.at);  // the forest's node at each place, exits included
    for (std::uint32_t place = 1; place < 1u << levels; ++place) {
      const Node& node = forest_.nodes[at[place]];
      at[2 * place] = node.left;
      at[2 * place + 1] = node.is_leaf() ? node.left : node.left + 1;
      if (!node.is_leaf()) put_split(node, place, block, nodes);
    }
    out_.nodes.push_back(nodes);
    while (out_.lanes.word.size() % 8 != 0) add_lane(0, 0, 0, 0);
    block.n_lanes = static_cast<std::uint32_t>(out_.lanes.word.size()) - block.first_lane;
    block.n_categories = static_cast<std::uint32_t>(out_.categories.size()) - block.first_category;
    put_exits(task, {at.begin() + (1 << levels), at.end()});
    out_.blocks[task.block] = block;
  }

  void put_split(const Node& node, std::uint32_t place, Block& block, BlockNodes& nodes) {
    if (node.is_category()) {
      const CategoryNode category = columns_.category_of(node, place, out_);
      if (category.n_words == 0) out_.categories.push_back(category);
      for (std::uint32_t k = 0; k < category.n_words; ++k)
        add_lane(out_.category_words[category.first_word + k], category.column, 64 * k, place);
      return;
    }
    const ColumnMap::Cut cut = columns_.cut_of(node);
    const bool is_marked = !node.default_right() && columns_.n_columns() <= kMarkedColumns;
    nodes.column[place] = static_cast<std::uint8_t>(cut.column | (is_marked ? kMarkedColumns : 0));
    nodes.cut[place] = cut.byte;
    if (!node.default_right()) block.default_left |= 1ull << place;
  }

  void add_lane(std::uint64_t word, std::size_t column, std::size_t base, std::size_t place) {
    out_.lanes.word.push_back(word);
    out_.lanes.column.push_back(static_cast<std::uint8_t>(column));
    out_.lanes.base.push_back(static_cast<std::uint8_t>(base));
    out_.lanes.place.push_back(static_cast<std::uint8_t>(place));
  }

  /// What stands at a stage's exits: leaf values, or blocks to come. Neighbouring exits on one node share its block.
  void put_exits(const Pending& task, const std::vector<std::uint32_t>& at) {
    const std::size_t first = out_.exits.size();
    out_.exits.resize(first + at.size());
    for (std::size_t k = 0; k < at.size(); ++k) {
      std::uint32_t& exit = out_.exits[first + k];
      if (task.stage + 1 == n_stages_) {
        exit = std::bit_cast<std::uint32_t>(forest_.nodes[at[k]].value);
      } else if (k > 0 && at[k] == at[k - 1]) {
        exit = out_.exits[first + k - 1];
      } else {
        exit = static_cast<std::uint32_t>(out_.blocks.size());
        out_.blocks.emplace_back();
        pending_.push_back({at[k], task.stage + 1, exit});
      }
    }
  }

  const Forest& forest_;
  ColumnMap& columns_;
  BinnedForest& out_;
  std::size_t n_stages_;
  std::vector<Pending> pending_;

  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t passage_ = kNone;
};

}  // namespace

std::size_t BinnedForest::memory_bytes() const {
  return columns.size() * sizeof(Column) + category_columns.size() * sizeof(CategoryColumn) +
         (category_words.size() + lanes.word.size()) * sizeof(std::uint64_t) + 3 * lanes.word.size() +
         (coarse.size() + fine.size()) * sizeof(float) + nodes.size() * sizeof(BlockNodes) +
         blocks.size() * sizeof(Block) + exits.size() * sizeof(std::uint32_t) +
         categories.size() * sizeof(CategoryNode) + plane_nodes.size() * sizeof(PlaneNode) +
         plane_trees.size() * sizeof(PlaneTree) + first_plane_tree.size() * sizeof(std::uint32_t) +
         plane_categories.size() * sizeof(CategoryNode);
}

std::shared_ptr<const BinnedForest> bin_forest(const Forest& forest) {
  ColumnMap columns(forest);
  if (forest.trees.empty() || columns.n_columns() > kMaxColumns) return nullptr;
  auto binned = std::make_shared<BinnedForest>();
  binned->stage_levels = stage_levels_of(forest);
  columns.write(*binned);
  const bool has_blocks = binned->stage_levels.size() <= kMaxStages && Builder(forest, columns, *binned).build();
  if (!has_blocks || columns.n_columns() > kMaxNamedColumns) binned->nodes = {};
  if (!has_blocks) {
    binned->blocks = {};
    binned->exits = {};
    binned->categories = {};
    binned->lanes = {};
  }
  add_planes(forest, columns, *binned);
  binned->category_words.resize(binned->category_words.size() + 4);  // kernels read four of a split
  binned->exits.resize(binned->exits.size() + kMaxLeaves);  // kernels read that many of a tree, however few it has
  return binned->has_nodes() || binned->has_planes() ? binned : nullptr;
}

}  // namespace sluice::gbdt
