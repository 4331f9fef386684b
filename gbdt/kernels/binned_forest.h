#pragma once
/// A forest on bins: what the fast kernels read. Not installed.
///
/// A numeric split asks x < threshold. With the thresholds of its feature sorted (cuts), this is bin(x) <= k. bin(x) is
/// the number of cuts <= x, and k is the threshold's index among the cuts. No information is lost, and a bin is one
/// byte. A feature with more than kMaxCuts cuts becomes several columns; each contains the bins of one window of its
/// cuts. A threshold of NaN, which sends nothing to the right, is the last cut of its feature, and no value counts it.
///
///   stored byte        -128 … 126    127
///   bin                   0 … 254    missing
///
/// A row goes right if its byte is above k - 128. So does a missing one; if the split sends missing values left, it is
/// then sent left.
///
/// There are two methods, and each owns what it reads: `Planes` for many rows, `RowBlocks` for few. Both read `Bins`.
/// If one of them leaves a tree out to save memory, the other is not affected.

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
// Limits of lists: a longer path would fill a list, and with more splits one row at a time is faster (script/bench gbdt
// --all).
inline constexpr std::size_t kMaxListDepth = 64, kMaxSplitsAList = kMaxLeaves - 1, kMaxSplitsATree = 400;
inline constexpr std::int8_t kMissingBin = 127, kLowestBin = -128, kNoCut = 127;

/// Cuts in rows of 16. The last row is padded with NaN, which is <= no value.
struct Column {
  std::uint32_t feature = 0;
  std::uint32_t first_row = 0;  // in Bins::fine
  std::uint32_t n_rows = 0;
};

/// The codes of a categorical feature: a category of its sets, or 64 n_words - 2 for missing, or 64 n_words - 1 for a
/// value in no set. If a feature has categories beyond the range, n_words is 0 and it has no codes: its splits test the
/// value itself.
struct CategoryColumn {
  std::uint32_t feature = 0;
  std::uint32_t n_words = 0;  // 1, 2 or 4
};

struct Bins {
  std::vector<Column> columns;                   // numbered from 0
  std::vector<CategoryColumn> category_columns;  // numbered after `columns`
  // Words of the splits' sets. Kernels read four per split, even if it has fewer.
  std::vector<std::uint64_t> category_words;
  /// [column][16]: the first cuts of rows 1, 2, …; the number of them that are <= x is the number of x's row.
  std::vector<float> coarse;
  std::vector<float> fine;  // [row][16]

  std::size_t n_columns() const { return columns.size() + category_columns.size(); }
};

/// A categorical split: right if bit `code` of its words is set.
struct CategoryNode {
  std::uint32_t feature, set;
  std::uint32_t first_word;  // in Bins::category_words
  std::uint16_t column;
  std::uint8_t n_words;
  std::uint8_t place;
  bool default_right;
};

struct alignas(64) BlockNodes {
  // + kMarkedColumns if a missing value goes left, in forests of at most that many columns
  std::uint8_t column[64];
  std::int8_t cut[64];  // k - 128, or kNoCut
};

/// A block's categorical splits, one lane for each word of a split's codes. `place` goes right if bit (code - base) of
/// the word is set and base <= code < base + 64. Blocks have a multiple of eight lanes; the padding lanes have words
/// without bits.
struct CategoryLanes {
  std::vector<std::uint64_t> word;
  std::vector<std::uint8_t> column, base, place;
};

struct Block {
  std::uint32_t nodes = 0;                             // in RowBlocks::nodes
  std::uint32_t exits = 0;                             // in RowBlocks::exits; 2^levels of them, 128 for stumps
  std::uint32_t first_lane = 0, n_lanes = 0;           // in RowBlocks::lanes
  std::uint32_t first_category = 0, n_categories = 0;  // in RowBlocks::categories: splits without codes
  std::uint64_t default_left = 0;                      // one bit for each place that sends a missing value left
};

/// Trees as blocks of up to six levels, each a heap: the root is place 1, place i's children are 2 i and 2 i + 1. A
/// place without a split sends everything left; the leaf or block reached there is repeated at every exit below it.
///
/// Every tree has tier_levels.size() tiers: exits of a tier are block numbers of the next, exits of the last tier are
/// leaf values. Tree t begins with block t. If there is one tier, its nodes and exits are the t-th too.
///
/// If no tree has more than one level, 64 of them share a block, and the only tier has 0 levels: tree t is place
/// t % 64 of block t / 64, whose exits are the left leaves of its 64 places, then the right ones.
struct RowBlocks {
  static constexpr std::size_t kStumpsABlock = 64;

  std::vector<std::uint32_t> tier_levels;  // one per tier; empty if there are no blocks
  std::vector<BlockNodes> nodes;
  std::vector<Block> blocks;
  std::vector<std::uint32_t> exits;  // a leaf's value as its bits
  CategoryLanes lanes;
  std::vector<CategoryNode> categories;

  bool exist() const { return !tier_levels.empty(); }
  bool are_heaps() const { return tier_levels.size() == 1 && tier_levels[0] > 0; }
  bool are_stumps() const { return tier_levels.size() == 1 && tier_levels[0] == 0; }
};

/// A numeric split for the kernel of many rows (plane_kernel.h). `place` is its place in the tree's heap, or, in a
/// list, its number. In a list parents precede children, and a child that is a leaf has number 0, the root's.
struct PlaneNode {
  std::uint16_t column;
  std::uint16_t excluded;  // the column whose missing rows do not go right; Bins::columns.size() for none
  std::int8_t cut;
  std::uint8_t place;
  std::uint8_t left, right;  // in a list only, as turn_bits: numbers of splits
  std::uint8_t turn_bits;    // the bits of the leaf number that going right inverts
};

/// A tree as a heap of its own number of levels, or one of the lists that a deeper tree is split into.
struct PlanePart {
  static constexpr std::uint8_t kList = 255;
  std::uint32_t first_node, first_category;  // up to the next part's
  std::uint32_t first_leaf;                  // in Planes::leaves: 2^levels of them, or up to kMaxLeaves
  std::uint8_t levels;                       // 0 to kMaxLevels, or kList
};

struct Planes {
  std::vector<std::uint32_t> first_part;  // one per tree, and the end; empty if there are no planes
  std::vector<PlanePart> parts;           // and one more as the end
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
  /// Methods that gave other margins than the plain walk when the forest was loaded (vet.h): one bit each.
  std::uint8_t refused = 0;

  std::size_t memory_bytes() const;
  /// "" if every index is within its target, as the kernels read it; otherwise the first faulty index.
  std::string check(const Forest& forest) const;
};

class ColumnMap;
void add_row_blocks(const Forest& forest, ColumnMap& columns, BinnedForest& binned);
void add_planes(const Forest& forest, ColumnMap& columns, BinnedForest& binned);

/// Null if the forest is too wide or too deep for bins to be faster: more than kMaxColumns columns, or trees that
/// neither method supports.
std::shared_ptr<BinnedForest> bin_forest(const Forest& forest);

}  // namespace sluice::gbdt
