#pragma once
/// A forest on bins: what the fast kernels read. Not installed.
///
/// A numeric split asks x < threshold. With the thresholds of its feature sorted (cuts), that is bin(x) <= k, where
/// bin(x) = #{cuts <= x} and k is the threshold's place among the cuts: nothing is lost, and a bin is one byte. A
/// feature with more than kMaxCuts cuts becomes several columns, each of them the bins of one window of its cuts. A
/// threshold of NaN, which sends nothing to the right, is the last cut of its feature and counted by no value.
///
///   stored byte        -128 … 126    127
///   bin                   0 … 254    missing
///
/// A row goes right where its byte is above k - 128. A missing one does, and is sent left where the split says so.
///
/// There are two methods, and each owns what it reads: `Planes` for many rows, `RowBlocks` for few. Both read `Bins`.
/// What one of them leaves out for want of room cannot be missed by the other.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

inline constexpr std::size_t kMaxCuts = 254, kCutsABlock = 16, kMaxLevels = 6;
inline constexpr std::size_t kMaxColumns = 1024, kMaxNamedColumns = 256, kMarkedColumns = 64, kMaxTiers = 4,
                             kMaxBytesANode = 64, kMaxLeaves = 256;
// Of lists: longer paths would fill one, and with more splits a row at a time is quicker (script/bench gbdt --all).
inline constexpr std::size_t kMaxListDepth = 64, kMaxSplitsAList = kMaxLeaves - 1, kMaxSplitsATree = 400;
inline constexpr std::int8_t kMissingBin = 127, kLowestBin = -128, kNoCut = 127;

/// Cuts in rows of 16, the last one filled with NaN, which is <= nothing.
struct Column {
  std::uint32_t feature = 0;
  std::uint32_t first_row = 0;  // in Bins::fine
  std::uint32_t n_rows = 0;
};

/// The codes of a categorical feature: a category of its sets, or 64 n_words - 2 for missing, or 64 n_words - 1 for
/// what is in no set. A feature with categories beyond has n_words = 0 and no codes: its splits look at the value
/// itself.
struct CategoryColumn {
  std::uint32_t feature = 0;
  std::uint32_t n_words = 0;  // 1, 2 or 4
};

struct Bins {
  std::vector<Column> columns;                   // numbered from 0
  std::vector<CategoryColumn> category_columns;  // numbered on
  std::vector<std::uint64_t> category_words;  // of the splits' sets; kernels read four of a split, however few it has
  std::vector<float>
      coarse;  // [column][16]: the first cuts of rows 1, 2, …; as many as are <= x is the number of x's row
  std::vector<float> fine;  // [row][16]

  std::size_t n_columns() const { return columns.size() + category_columns.size(); }
};

/// A categorical split: right where bit `code` of its words is set.
struct CategoryNode {
  std::uint32_t feature, set;
  std::uint32_t first_word;  // in Bins::category_words
  std::uint16_t column;
  std::uint8_t n_words;
  std::uint8_t place;
  bool default_right;
};

struct alignas(64) BlockNodes {
  std::uint8_t column[64];  // + kMarkedColumns where a missing value goes left, in forests of so many columns or fewer
  std::int8_t cut[64];      // k - 128, or kNoCut
};

/// A block's categorical splits, a lane for each word of a split's codes: place goes right where bit (code - base) of
/// the word is set, and base <= code < base + 64. Blocks have whole eights of lanes, the last ones of words without
/// bits.
struct CategoryLanes {
  std::vector<std::uint64_t> word;
  std::vector<std::uint8_t> column, base, place;
};

struct Block {
  std::uint32_t nodes = 0;                             // in RowBlocks::nodes
  std::uint32_t exits = 0;                             // in RowBlocks::exits; 2^levels of them, of stumps 128
  std::uint32_t first_lane = 0, n_lanes = 0;           // in RowBlocks::lanes
  std::uint32_t first_category = 0, n_categories = 0;  // in RowBlocks::categories: splits without codes
  std::uint64_t default_left = 0;                      // a bit for each place that sends a missing value left
};

/// Trees as blocks of up to six levels, each a heap: the root is place 1, place i's children are 2 i and 2 i + 1. A
/// place without a split sends everything left, and what was reached there is at every exit below it.
///
/// Every tree has tier_levels.size() tiers: exits of a tier are block numbers of the next, exits of the last are
/// leaf values. Tree t begins with block t; where there is one tier, its nodes and exits are the t-th too.
///
/// Where no tree has more than one level, 64 of them share a block, and the only tier has 0 levels: tree t is place
/// t % 64 of block t / 64, whose exits are the left leaves of its 64 places and then the right ones.
struct RowBlocks {
  static constexpr std::size_t kStumpsABlock = 64;

  std::vector<std::uint32_t> tier_levels;  // one a tier; empty where there are no blocks
  std::vector<BlockNodes> nodes;
  std::vector<Block> blocks;
  std::vector<std::uint32_t> exits;  // a leaf's value as its bits
  CategoryLanes lanes;
  std::vector<CategoryNode> categories;

  bool exist() const { return !tier_levels.empty(); }
  bool are_heaps() const { return tier_levels.size() == 1 && tier_levels[0] > 0; }
  bool are_stumps() const { return tier_levels.size() == 1 && tier_levels[0] == 0; }
};

/// A numeric split for the kernel that takes many rows (plane_kernel.h). `place` is its place in the tree's heap, or,
/// in a list, its number. In a list the splits stand parents first, and what leads to a leaf leads to number 0, the
/// root.
struct PlaneNode {
  std::uint16_t column;
  std::uint16_t excluded;  // the column whose missing rows do not go right; Bins::columns.size() for none
  std::int8_t cut;
  std::uint8_t place;
  std::uint8_t left, right;  // of a list alone, as turn_bits: numbers of splits
  std::uint8_t turn_bits;    // the leaf number's bits that going right here turns over
};

/// A tree as a heap of its own number of levels, or one of the lists that a deeper tree is cut into.
struct PlanePart {
  static constexpr std::uint8_t kList = 255;
  std::uint32_t first_node, first_category;  // up to the next one's
  std::uint32_t first_leaf;                  // in Planes::leaves: 2^levels of them, or up to kMaxLeaves
  std::uint8_t levels;                       // 0 to kMaxLevels, or kList
};

struct Planes {
  std::vector<std::uint32_t> first_part;  // one a tree, and the end; empty where there are no planes
  std::vector<PlanePart> parts;           // and one more
  std::vector<PlaneNode> nodes;
  std::vector<CategoryNode> categories;
  std::vector<std::uint32_t> leaves;  // values as bits; kernels read kMaxLeaves of a part, however few it has
  bool have_lists = false;

  bool exist() const { return !parts.empty(); }
};

struct BinnedForest {
  Bins bins;
  RowBlocks rows;
  Planes planes;
  /// Methods that gave other margins than the plain walk when the forest was loaded (vet.h): a bit each.
  std::uint8_t refused = 0;

  std::size_t memory_bytes() const;
  /// "" where every index is within what it points into, as the kernels read it; otherwise the first that is not.
  std::string check(const Forest& forest) const;
};

class ColumnMap;
void add_row_blocks(const Forest& forest, ColumnMap& columns, BinnedForest& binned);
void add_planes(const Forest& forest, ColumnMap& columns, BinnedForest& binned);

/// Null where the forest is too wide or too deep for bins to be an advantage: more than kMaxColumns columns, or trees
/// that neither method takes.
std::shared_ptr<BinnedForest> bin_forest(const Forest& forest);

}  // namespace sluice::gbdt
