#pragma once
/// Margins of single rows: all splits of a block are evaluated at once. Not installed.
///
///   place        1     2     3    …    63
///   column    [  7  |  12 |   7  | … |   3  ]   64 bytes of the block
///   bin       [ b7  | b12 |  b7  | … |  b3  ]   the row's bins, permuted by them: one or two registers
///   cut       [ 90  | -3  | -128 | … |  55  ]   64 bytes of the block
///   bin > cut    1     0     1    …     0       a mask of 64 bits; a walk down the heap reads one bit per level
///
/// Eight trees walk in parallel, one in each 64-bit lane. Leaves are added one by one, in tree order.

#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/kernels/quantize_kernel.h"
#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {

/// `Isa::RowBins<kTables>` has a row's bins in registers: load(bins); outcomes(nodes, default_left) and
/// category_bits(lanes, first, n), one bit per place.
/// `Isa::walk8(masks, levels, places)` walks eight heaps; `Isa::leaves64(rights, exits, leaves)` reads the leaves of 64
/// stumps, the left ones before the right ones.
template <class Isa, std::size_t kTables>
struct RowKernel {
  // Trees at a time. All masks are stored before the first is read back: a register cannot be loaded from eight stores
  // that are still in flight.
  static constexpr std::size_t kChunk = 128;
  static constexpr std::size_t kBlockRows = 256, kRowBytes = kTables * 64;
  using RowBins = typename Isa::template RowBins<kTables>;

  /// A row in the form that the trees read.
  struct Row {
    RowBins bins;
    const float* cells;
  };

  /// The bits of a block's categorical splits.
  static std::uint64_t category_bits(const Forest& forest, const Block& block, const Row& row) {
    const RowBlocks& blocks = forest.binned->rows;
    std::uint64_t bits = 0;
    if (block.n_lanes > 0) bits = row.bins.category_bits(blocks.lanes, block.first_lane, block.n_lanes);
    for (std::uint32_t k = 0; k < block.n_categories; ++k) {
      const CategoryNode& node = blocks.categories[block.first_category + k];
      const float x = row.cells[node.feature];
      const std::uint64_t is_right = x != x ? node.default_right : contains(forest, node.set, x);
      bits |= is_right << node.place;
    }
    return bits;
  }

  /// The row's sides at the splits of the blocks [first, first + n), whose nodes have the same numbers.
  static void masks_of_blocks(const Forest& forest, const Row& row, std::size_t first, std::size_t n,
                              std::uint64_t* masks) {
    const BlockNodes* nodes = &forest.binned->rows.nodes[first];
    const Block* blocks = &forest.binned->rows.blocks[first];
    for (std::size_t i = 0; i < n; ++i) masks[i] = row.bins.outcomes(nodes[i], blocks[i].default_left);
    if (!forest.binned->bins.category_columns.empty())
      for (std::size_t i = 0; i < n; ++i) masks[i] |= category_bits(forest, blocks[i], row);
  }

  /// The exits of the trees [first, first + n) of one tier: their leaves, as a float's bits.
  static void leaves_of_heaps(const Forest& forest, const Row& row, std::size_t first, std::size_t n,
                              std::uint32_t* leaves) {
    const RowBlocks& blocks = forest.binned->rows;
    const std::uint32_t levels = blocks.tier_levels[0];
    alignas(64) std::uint64_t masks[kChunk], places[kChunk];
    masks_of_blocks(forest, row, first, n, masks);
    for (std::size_t i = 0; i < n; i += 8)
      levels == kMaxLevels ? Isa::walk8(masks + i, kMaxLevels, places + i) : Isa::walk8(masks + i, levels, places + i);
    const std::uint32_t* const exits = &blocks.exits[first << levels];
    for (std::size_t i = 0; i < n; ++i) leaves[i] = exits[((i - 1) << levels) + places[i]];
  }

  /// The same for trees of any number of tiers.
  static void leaves_of_tiers(const Forest& forest, const Row& row, std::size_t first, std::size_t n,
                              std::uint32_t* at) {
    const RowBlocks& blocks = forest.binned->rows;
    const bool has_categories = !forest.binned->bins.category_columns.empty();
    for (std::size_t i = 0; i < n; ++i) at[i] = static_cast<std::uint32_t>(first + i);
    for (const std::uint32_t levels : blocks.tier_levels) {
      alignas(64) std::uint64_t masks[kChunk], places[kChunk];
      for (std::size_t i = 0; i < n; ++i) {
        const Block& block = blocks.blocks[at[i]];
        masks[i] = row.bins.outcomes(blocks.nodes[block.nodes], block.default_left);
        if (has_categories) masks[i] |= category_bits(forest, block, row);
      }
      for (std::size_t i = 0; i < n; i += 8) Isa::walk8(masks + i, levels, places + i);
      for (std::size_t i = 0; i < n; ++i)
        at[i] = blocks.exits[blocks.blocks[at[i]].exits + places[i] - (std::size_t{1} << levels)];
    }
  }

  /// The same for trees of one level or none.
  static void leaves_of_stumps(const Forest& forest, const Row& row, std::size_t first, std::size_t n,
                               std::uint32_t* leaves) {
    constexpr std::size_t kWidth = RowBlocks::kStumpsABlock;
    for (std::size_t tree = first, end = first + n; tree < end;) {
      const std::size_t block = tree / kWidth, stop = std::min(end, (block + 1) * kWidth);
      std::uint64_t rights;
      masks_of_blocks(forest, row, block, 1, &rights);
      std::uint32_t of_block[kWidth];
      Isa::leaves64(rights, &forest.binned->rows.exits[2 * kWidth * block], of_block);
      leaves = std::copy(of_block + tree % kWidth, of_block + tree % kWidth + (stop - tree), leaves);
      tree = stop;
    }
  }

  static void add_trees(const Forest& forest, const std::int8_t* bytes, const float* cells, std::size_t first,
                        std::size_t n, float* margins) {
    const Row row{RowBins::load(bytes), cells};
    std::uint32_t leaves[kChunk];
    if (forest.binned->rows.are_heaps())
      leaves_of_heaps(forest, row, first, n, leaves);
    else if (forest.binned->rows.are_stumps())
      leaves_of_stumps(forest, row, first, n, leaves);
    else
      leaves_of_tiers(forest, row, first, n, leaves);
    if (forest.n_groups == 1) {
      float margin = margins[0];
      for (std::size_t i = 0; i < n; ++i) margin += std::bit_cast<float>(leaves[i]);
      margins[0] = margin;
    } else {
      for (std::size_t i = 0; i < n; ++i) margins[forest.trees[first + i].group] += std::bit_cast<float>(leaves[i]);
    }
  }

  static void run_block(const MarginJob& job, std::int8_t* bins, float* margins) {
    const std::size_t n_groups = job.forest->n_groups, n_rows = job.rows.n_rows;
    for (std::size_t r = 0; r < n_rows; ++r) {
      const float* row = job.rows.data + r * job.rows.stride;
      Isa::quantize_row(job.forest->binned->bins, row, bins + r * kRowBytes);
      codes_of_row<Isa>(job.forest->binned->bins, row, bins + r * kRowBytes);
      std::memcpy(margins + r * n_groups, job.start + r * job.start_stride, n_groups * sizeof(float));
    }
    // Several rows share a few trees at a time while these are in the cache.
    const std::size_t chunk = n_rows > 1 ? 32 : kChunk;
    std::size_t tree = job.first;
    for (std::size_t prefix = 0; prefix < job.ends.size(); ++prefix) {
      for (std::size_t n = 0; tree < job.ends[prefix]; tree += n) {
        n = std::min(chunk, job.ends[prefix] - tree);
        for (std::size_t r = 0; r < n_rows; ++r)
          add_trees(*job.forest, bins + r * kRowBytes, job.rows.data + r * job.rows.stride, tree, n,
                    margins + r * n_groups);
      }
      for (std::size_t r = 0; r < n_rows; ++r)
        std::memcpy(job.out + (r * job.ends.size() + prefix) * n_groups, margins + r * n_groups,
                    n_groups * sizeof(float));
    }
  }

  /// BinnedKernel::left_bits.
  static void left_bits(const Forest& forest, const float* row, std::uint16_t* bits) {
    const BinnedForest& binned = *forest.binned;
    alignas(64) std::int8_t bytes[kRowBytes];
    Isa::quantize_row(binned.bins, row, bytes);
    codes_of_row<Isa>(binned.bins, row, bytes);
    const Row at{RowBins::load(bytes), row};
    for (std::size_t first = 0; first < forest.n_trees(); first += 16, bits += 64) {
      std::uint64_t rights[16] = {};
      const std::size_t n = std::min<std::size_t>(16, forest.n_trees() - first);
      masks_of_blocks(forest, at, first, n, rights);
      transpose_inverted(rights, bits);
    }
  }

  /// Bit i of bits[n] is the inverse of bit n + 1 of rights[i]. Four rounds of interleaving bring the same byte of all
  /// 16 words together; then one bit at a time is extracted from the top.
  static void transpose_inverted(const std::uint64_t* rights, std::uint16_t* bits) {
    __m128i bytes[8], next[8];
    for (int i = 0; i < 8; ++i)
      bytes[i] = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(rights + i)),
                                   _mm_loadl_epi64(reinterpret_cast<const __m128i*>(rights + i + 8)));
    // After a round with `half` words still apart, bytes[half * b + i] has a share 1 / half of the words' bytes b.
    for (int half = 4; half >= 1; half /= 2) {
      for (int b = 0; b < 4 / half; ++b)
        for (int i = 0; i < half; ++i) {
          const __m128i low = bytes[2 * half * b + i], high = bytes[2 * half * b + half + i];
          next[2 * half * b + i] = _mm_unpacklo_epi8(low, high);
          next[2 * half * b + half + i] = _mm_unpackhi_epi8(low, high);
        }
      std::copy(next, next + 8, bytes);
    }
    for (int b = 0; b < 8; ++b)
      for (int bit = 7; bit >= 0; --bit, bytes[b] = _mm_add_epi8(bytes[b], bytes[b]))
        if (b + bit > 0) bits[8 * b + bit - 1] = static_cast<std::uint16_t>(~_mm_movemask_epi8(bytes[b]));
  }

  static void run(const MarginJob& job) {
    alignas(64) std::int8_t bins[kBlockRows * kRowBytes];
    StackBuffer<float, 4096> margins(std::min(kBlockRows, job.rows.n_rows) * job.forest->n_groups);
    for (std::size_t first = 0; first < job.rows.n_rows; first += kBlockRows)
      run_block(job.slice(first, std::min(kBlockRows, job.rows.n_rows - first)), bins, margins.data());
  }
};

}  // namespace sluice::gbdt
