#pragma once
/// Margins of many rows for AVX2, which has no mask registers: results stay bytes. Not installed.
///
///   bins[column]   128 bytes, one per row; once with missing rows above every cut, once below (`missing goes left`)
///   left(place)    32 bytes: cut > bin, all ones if the row goes left
///
/// 32 rows of a tree at a time, everything in registers: turn[level] is chosen among 2^level results by the turns
/// before it. The leaf number is assembled from the turns, and its float is looked up in tables of 16 bytes.

#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <span>

#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/kernels/quantize_kernel.h"
#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {

template <class Isa>
class ByteKernel {
 public:
  static void run(const MarginJob& job) {
    const Bins& columns = job.forest->binned->bins;
    StackBuffer<Column32, 2 * kSlices*(kMaxColumns + 1)> bins((2 * columns.n_columns() + 1) * kSlices);
    StackBuffer<__m256, 4 * kSlices * 16> sums(4 * kSlices * job.forest->n_groups);
    for (std::size_t first = 0; first < job.rows.n_rows; first += kRows) {
      const MarginJob block = job.slice(first, std::min(kRows, job.rows.n_rows - first));
      ByteKernel(block, bins.data(), sums.data()).run_block();
    }
  }

 private:
  static constexpr std::size_t kRows = 128, kSlices = kRows / 32;
  struct alignas(32) Column32 {
    std::int8_t bytes[32];
  };

  /// A split as the loop reads it: the slice of bins to compare, and the cut plus one.
  struct Split {
    const Column32* bins;
    std::int8_t above;
  };

  ByteKernel(const MarginJob& job, Column32* bins, __m256* sums)
      : job_(job),
        forest_bins_(job.forest->binned->bins),
        forest_planes_(job.forest->binned->planes),
        bins_(bins),
        sums_(sums) {
    // A place without a split: a bin of zeros below a cut of one. Its direction does not matter.
    nowhere_ = bins_ + 2 * forest_bins_.n_columns() * kSlices;
    for (std::size_t s = 0; s < kSlices; ++s) nowhere_[s] = {};
    for (Split& split : splits_) split = {nowhere_, 1};
  }

  void run_block() {
    quantize();
    start();
    std::size_t tree = job_.first;
    for (std::size_t prefix = 0; prefix < job_.ends.size(); ++prefix) {
      for (; tree < job_.ends[prefix]; ++tree) add_tree(tree);
      write(prefix);
    }
  }

  void quantize() {
    const BatchView& rows = job_.rows;
    for (std::size_t c = 0; c < forest_bins_.columns.size(); ++c) {
      std::int8_t* high = bins_[2 * c * kSlices].bytes;
      std::int8_t* low = high + kRows;
      const float* cells = rows.data + forest_bins_.columns[c].feature;
      Isa::quantize_column(forest_bins_, c, cells, rows.stride, rows.n_rows, high);
      for (std::size_t r = rows.n_rows; r < kRows; ++r) high[r] = kLowestBin;
      for (std::size_t r = 0; r < kRows; ++r) low[r] = high[r] == kMissingBin ? kLowestBin : high[r];
    }
    for (std::size_t c = 0; c < forest_bins_.category_columns.size(); ++c) {
      const CategoryColumn& column = forest_bins_.category_columns[c];
      std::int8_t* codes = bins_[2 * (forest_bins_.columns.size() + c) * kSlices].bytes;
      for (std::size_t r = 0; r < rows.n_rows; ++r)
        codes[r] = code_of(column, rows.data[r * rows.stride + column.feature]);
      std::fill(codes + rows.n_rows, codes + kRows, std::int8_t{0});
    }
  }

  /// Sum k of slice s, lane 4 h + e is row 32 s + 16 h + 4 k + e: the order that unpacking bytes produces.
  static std::size_t row_of(std::size_t sum, std::size_t lane) {
    return sum / 4 * 32 + lane / 4 * 16 + sum % 4 * 4 + lane % 4;
  }

  void start() {
    const std::size_t n_groups = job_.forest->n_groups;
    for (std::size_t k = 0; k < 4 * kSlices * n_groups; ++k) {
      alignas(32) float lanes[8];
      for (std::size_t lane = 0; lane < 8; ++lane) {
        const std::size_t row = std::min(row_of(k % (4 * kSlices), lane), job_.rows.n_rows - 1);
        lanes[lane] = job_.start[row * job_.start_stride + k / (4 * kSlices)];
      }
      sums_[k] = _mm256_load_ps(lanes);
    }
  }

  void write(std::size_t prefix) const {
    const std::size_t n_groups = job_.forest->n_groups;
    for (std::size_t k = 0; k < 4 * kSlices * n_groups; ++k) {
      alignas(32) float lanes[8];
      _mm256_store_ps(lanes, sums_[k]);
      for (std::size_t lane = 0; lane < 8; ++lane)
        if (const std::size_t row = row_of(k % (4 * kSlices), lane); row < job_.rows.n_rows)
          job_.out[(row * job_.ends.size() + prefix) * n_groups + k / (4 * kSlices)] = lanes[lane];
    }
  }

  void add_tree(std::size_t tree) {
    const std::uint32_t part = forest_planes_.first_part[tree];  // a heap: AVX2 has no lists
    const PlanePart &here = forest_planes_.parts[part], &next = forest_planes_.parts[part + 1];
    const std::uint32_t* leaves = &forest_planes_.leaves[here.first_leaf];
    __m256* sums = sums_ + job_.forest->trees[tree].group * 4 * kSlices;
    if (here.levels == 0) return add_leaf(std::bit_cast<float>(*leaves), sums);
    const std::size_t n_columns = forest_bins_.columns.size();
    for (std::uint32_t k = here.first_node; k < next.first_node; ++k) {
      const PlaneNode& node = forest_planes_.nodes[k];
      const std::size_t side = node.excluded == n_columns ? 0 : 1;
      splits_[node.place] = {bins_ + (2 * node.column + side) * kSlices, static_cast<std::int8_t>(node.cut + 1)};
    }
    Column32 answers[64][kSlices];  // of categorical splits
    const std::span categories(forest_planes_.categories.data() + here.first_category,
                               next.first_category - here.first_category);
    look_up_categories(categories, answers);
    add_leaves(here.levels, leaves, sums);
    for (const CategoryNode& node : categories) splits_[node.place] = {nowhere_, 1};
  }

  void add_leaf(float leaf, __m256* sums) const {
    const __m256 value = _mm256_set1_ps(leaf);
    for (std::size_t k = 0; k < 4 * kSlices; ++k) sums[k] = _mm256_add_ps(sums[k], value);
  }

  void add_leaves(std::uint32_t levels, const std::uint32_t* leaves, __m256* sums) const {
    switch (levels) {
      case 1:
        return add_leaves<1>(leaves, sums);
      case 2:
        return add_leaves<2>(leaves, sums);
      case 3:
        return add_leaves<3>(leaves, sums);
      case 4:
        return add_leaves<4>(leaves, sums);
      case 5:
        return add_leaves<5>(leaves, sums);
      default:
        return add_leaves<6>(leaves, sums);
    }
  }

  /// Results as bins: 1 for right, 0 for left, not below and below a cut of one.
  void look_up_categories(std::span<const CategoryNode> categories, Column32 (*answers)[kSlices]) {
    for (const CategoryNode& node : categories) {
      Column32* answer = answers[node.place];
      splits_[node.place] = {answer, 1};
      if (node.n_words == 0) {
        look_up_values(node, answer[0].bytes);
        continue;
      }
      const typename Isa::Set set(&forest_bins_.category_words[node.first_word]);
      const Column32* codes = bins_ + 2 * node.column * kSlices;
      for (std::size_t s = 0; s < kSlices; ++s) {
        const __m256i lacks = set.lacks(_mm256_load_si256(reinterpret_cast<const __m256i*>(codes[s].bytes)));
        _mm256_store_si256(reinterpret_cast<__m256i*>(answer[s].bytes),
                           _mm256_andnot_si256(lacks, _mm256_set1_epi8(1)));
      }
    }
  }

  void look_up_values(const CategoryNode& node, std::int8_t* answers) const {
    const float* cells = job_.rows.data + node.feature;
    for (std::size_t r = 0; r < job_.rows.n_rows; ++r) {
      const float x = cells[r * job_.rows.stride];
      answers[r] = static_cast<std::int8_t>(x != x ? node.default_right : contains(*job_.forest, node.set, x) != 0);
    }
    std::fill(answers + job_.rows.n_rows, answers + kRows, std::int8_t{0});
  }

  __m256i left(std::size_t place, std::size_t slice) const {
    const Split& split = splits_[place];
    return _mm256_cmpgt_epi8(_mm256_set1_epi8(split.above),
                             _mm256_load_si256(reinterpret_cast<const __m256i*>(split.bins[slice].bytes)));
  }

  /// Of 2^kBits adjacent results from `place` on, the one that the last kBits turns before kLevel select.
  template <std::size_t kLevel, std::size_t kBits>
  __m256i pick(const __m256i* lefts, std::size_t place, std::size_t slice) const {
    if constexpr (kBits == 0) {
      return left(place, slice);
    } else {
      const __m256i on_left = pick<kLevel, kBits - 1>(lefts, place, slice);
      const __m256i on_right = pick<kLevel, kBits - 1>(lefts, place + (std::size_t{1} << (kBits - 1)), slice);
      return _mm256_blendv_epi8(on_right, on_left, lefts[kLevel - kBits]);
    }
  }

  template <std::size_t kLevels>
  void add_leaves(const std::uint32_t* leaves, __m256* sums) const {
    __m256i tables[4][4];
    Isa::split_bytes(leaves, tables);
    for (std::size_t slice = 0; slice < kSlices; ++slice) {
      __m256i lefts[kLevels];
      [&]<std::size_t... level>(std::index_sequence<level...>) {
        ((lefts[level] = pick<level, level>(lefts, std::size_t{1} << level, slice)), ...);
      }(std::make_index_sequence<kLevels>());
      __m256i leaf = _mm256_setzero_si256();
      for (std::size_t level = 0; level < kLevels; ++level) {
        const __m256i bit = _mm256_set1_epi8(static_cast<char>(1 << (kLevels - 1 - level)));
        leaf = _mm256_or_si256(leaf, _mm256_andnot_si256(lefts[level], bit));
      }
      Isa::add_leaves(tables, leaf, kLevels > 4, sums + 4 * slice);
    }
  }

  const MarginJob& job_;
  const Bins& forest_bins_;
  const Planes& forest_planes_;
  Column32* bins_;
  Column32* nowhere_;
  __m256* sums_;
  Split splits_[64];
};

}  // namespace sluice::gbdt
