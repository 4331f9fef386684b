#pragma once
/// Margins of up to 512 rows, bit-sliced, for AVX-512. Not installed.
///
///   bins[column]   512 bytes, one per row               one byte comparison per split and 64 rows
///   plane[place]   512 bits: the row goes right there   written by the comparisons, read as one register
///   turn[level]    512 bits: the row's side at this level of its own path
///
///   turn[0] = plane[1]
///   turn[1] = turn[0] ? plane[3] : plane[2]
///   turn[2] = turn[0] ? (turn[1] ? plane[7] : plane[6]) : (turn[1] ? plane[5] : plane[4])         and so on
///
/// The turns are the leaf's number. A tree has only the levels that it needs; a single leaf is added directly. Trees
/// with more than six levels are lists of splits instead:
///
///   reach[split]   512 bits: the row passes the split; reach & plane continues to the right, the rest to the left
///   turn[bit]      the bits of the leaf number. Leaves are numbered from left to right: going right at a split inverts
///                  the bits in which the first leaves on its two sides differ
///
/// Leaves are looked up one byte of the float at a time. Unpacking the bytes leaves the 64 rows of a group in this
/// order, which the sums keep until the end:
///
///   sum[4 group + f], lane 4 l + e   is row 64 group + 16 l + 4 f + e

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/kernels/quantize_kernel.h"
#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {

/// `Isa::Leaves` contains the leaves of a tree: Leaves(leaves) reads 64 of them, and add(turns, sums) adds to 64 rows,
/// whose kMaxLevels turns are given. `Isa::ManyLeaves` does the same for 256 leaves and kLeafBits turns.
/// `Isa::Set(words, n_words)` is a set of category codes: contains(codes) of 64 rows.
template <class Isa>
class PlaneKernel {
 public:
  static void run(const MarginJob& job) {
    const Bins& columns = job.forest->binned->bins;
    StackBuffer<Group, kPlaneGroups*(kMaxColumns + 1)> bins((columns.n_columns() + 1) * kPlaneGroups);
    StackBuffer<__m512i, kMaxColumns + 1> missing(columns.columns.size() + 1);
    StackBuffer<__m512, 32 * 16> sums(32 * job.forest->n_groups);
    PlaneKernel kernel(job, bins.data(), missing.data(), sums.data());
    kernel.quantize();
    kernel.start();
    std::size_t tree = job.first;
    for (std::size_t prefix = 0; prefix < job.ends.size(); ++prefix) {
      for (; tree < job.ends[prefix]; ++tree) kernel.add_tree(tree);
      kernel.write(prefix);
    }
  }

 private:
  static constexpr std::size_t kPlaneGroups = kPlaneRows / 64, kLeafBits = 8;
  struct alignas(64) Group {
    std::int8_t bytes[64];
  };
  struct alignas(64) Plane {
    std::uint64_t bits[kPlaneGroups];
  };

  PlaneKernel(const MarginJob& job, Group* bins, __m512i* missing, __m512* sums)
      : job_(job),
        forest_bins_(job.forest->binned->bins),
        forest_planes_(job.forest->binned->planes),
        n_groups_((job.rows.n_rows + 63) / 64),
        bins_(bins),
        missing_(missing),
        sums_(sums) {}

  void quantize() {
    const BatchView& rows = job_.rows;
    for (std::size_t c = 0; c < forest_bins_.columns.size(); ++c) {
      std::int8_t* bytes = bins_[c * kPlaneGroups].bytes;
      const float* cells = rows.data + forest_bins_.columns[c].feature;
      Isa::quantize_column(forest_bins_, c, cells, rows.stride, rows.n_rows, bytes);
      for (std::size_t r = rows.n_rows; r < n_groups_ * 64; ++r) bytes[r] = kLowestBin;
      Plane plane{};
      for (std::size_t g = 0; g < n_groups_; ++g)
        plane.bits[g] = _mm512_cmpeq_epi8_mask(_mm512_load_si512(bytes + 64 * g), _mm512_set1_epi8(kMissingBin));
      missing_[c] = _mm512_load_si512(&plane);
    }
    missing_[forest_bins_.columns.size()] = _mm512_setzero_si512();
    for (std::size_t c = 0; c < forest_bins_.category_columns.size(); ++c) {
      const CategoryColumn& column = forest_bins_.category_columns[c];
      std::int8_t* codes = bins_[(forest_bins_.columns.size() + c) * kPlaneGroups].bytes;
      for (std::size_t r = 0; r < rows.n_rows; ++r)
        codes[r] = code_of(column, rows.data[r * rows.stride + column.feature]);
      std::fill(codes + rows.n_rows, codes + n_groups_ * 64, std::int8_t{0});
    }
  }

  static std::size_t row_of(std::size_t sum, std::size_t lane) {
    return sum / 4 * 64 + lane / 4 * 16 + sum % 4 * 4 + lane % 4;
  }

  void start() {
    for (std::size_t k = 0; k < 4 * n_groups_ * job_.forest->n_groups; ++k) {
      const std::size_t sum = k % (4 * n_groups_), group = k / (4 * n_groups_);
      alignas(64) float lanes[16];
      for (std::size_t lane = 0; lane < 16; ++lane)
        lanes[lane] = job_.start[std::min(row_of(sum, lane), job_.rows.n_rows - 1) * job_.start_stride + group];
      sums_[group * 32 + sum] = _mm512_load_ps(lanes);
    }
  }

  void write(std::size_t prefix) const {
    const std::size_t n_outputs = job_.forest->n_groups;
    for (std::size_t group = 0; group < n_outputs; ++group)
      for (std::size_t sum = 0; sum < 4 * n_groups_; ++sum) {
        alignas(64) float lanes[16];
        _mm512_store_ps(lanes, sums_[group * 32 + sum]);
        for (std::size_t lane = 0; lane < 16; ++lane)
          if (const std::size_t row = row_of(sum, lane); row < job_.rows.n_rows)
            job_.out[(row * job_.ends.size() + prefix) * n_outputs + group] = lanes[lane];
      }
  }

  void add_tree(std::size_t tree) {
    __m512* sums = sums_ + job_.forest->trees[tree].group * 32;
    for (std::uint32_t part = forest_planes_.first_part[tree]; part < forest_planes_.first_part[tree + 1]; ++part)
      add_part(part, sums);
  }

  /// A heap, or one of a tree's lists.
  void add_part(std::size_t part, __m512* sums) {
    const PlanePart& here = forest_planes_.parts[part];
    const std::uint32_t* leaves = &forest_planes_.leaves[here.first_leaf];
    if (here.levels == 0) return add_leaf(std::bit_cast<float>(*leaves), sums);
    compare(part);
    look_up_categories(part);
    Plane turns[kLeafBits] = {};
    if (here.levels == PlanePart::kList) {
      follow(part, turns);
      add_leaves<kLeafBits>(typename Isa::ManyLeaves(leaves), turns, sums);
    } else {
      pick_turns(here.levels, turns + kMaxLevels - here.levels);
      add_leaves<kMaxLevels>(typename Isa::Leaves(leaves), turns, sums);
    }
  }

  void add_leaf(float leaf, __m512* sums) const {
    const __m512 value = _mm512_set1_ps(leaf);
    for (std::size_t k = 0; k < 4 * n_groups_; ++k) sums[k] = _mm512_add_ps(sums[k], value);
  }

  template <std::size_t kTurns, class Leaves>
  void add_leaves(const Leaves& leaves, const Plane* turns, __m512* sums) const {
    for (std::size_t g = 0; g < n_groups_; ++g) {
      std::uint64_t bits[kTurns];
      for (std::size_t k = 0; k < kTurns; ++k) bits[k] = turns[k].bits[g];
      leaves.add(bits, sums + 4 * g);
    }
  }

  /// The turns of a list's rows, the leaf number's highest bit first.
  void follow(std::size_t part, Plane* turns) {
    static constexpr auto kBits = masks_of_bits();
    __m512i turn[kLeafBits] = {};
    reach_[0] = _mm512_set1_epi64(-1);
    for (const PlaneNode& node : nodes_of(part)) {
      const __m512i reach = reach_[node.place], right = _mm512_and_si512(reach, plane(node.place));
      reach_[node.left] = _mm512_xor_si512(reach, right);
      reach_[node.right] = right;
      const auto& bits = kBits[node.turn_bits];
      constexpr int kTurnOver = 0x78;  // a ^ (b & c)
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kLeafBits; ++k)
        turn[k] = _mm512_ternarylogic_epi32(turn[k], right, _mm512_set1_epi32(bits[k]), kTurnOver);
    }
    for (std::size_t k = 0; k < kLeafBits; ++k) _mm512_store_si512(&turns[k], turn[k]);
  }

  /// [bits][k]: all ones where bit kLeafBits - 1 - k is set.
  static constexpr auto masks_of_bits() {
    std::array<std::array<std::int32_t, kLeafBits>, 256> masks{};
    for (std::size_t bits = 0; bits < 256; ++bits)
      for (std::size_t k = 0; k < kLeafBits; ++k)
        masks[bits][k] = -static_cast<std::int32_t>(bits >> (kLeafBits - 1 - k) & 1);
    return masks;
  }

  std::span<const PlaneNode> nodes_of(std::size_t part) const {
    const std::uint32_t first = forest_planes_.parts[part].first_node;
    return {forest_planes_.nodes.data() + first, forest_planes_.parts[part + 1].first_node - first};
  }

  void compare(std::size_t part) { n_groups_ == kPlaneGroups ? compare<true>(part) : compare<false>(part); }

  template <bool kIsFull>
  void compare(std::size_t part) {
    const std::size_t n_groups = kIsFull ? kPlaneGroups : n_groups_;
    for (const PlaneNode& node : nodes_of(part)) {
      const __m512i cut = _mm512_set1_epi8(node.cut);
      const Group* bins = bins_ + node.column * kPlaneGroups;
      std::uint64_t* bits = planes_[node.place].bits;
      excluded_[node.place] = node.excluded;
#pragma GCC unroll 8
      for (std::size_t g = 0; g < n_groups; ++g)
        bits[g] = _mm512_cmp_epi8_mask(cut, _mm512_load_si512(&bins[g]), _MM_CMPINT_LT);
    }
  }

  void look_up_categories(std::size_t part) {
    const std::uint32_t end = forest_planes_.parts[part + 1].first_category;
    for (std::uint32_t k = forest_planes_.parts[part].first_category; k < end; ++k) {
      const CategoryNode& node = forest_planes_.categories[k];
      std::uint64_t* bits = planes_[node.place].bits;
      excluded_[node.place] = static_cast<std::uint16_t>(forest_bins_.columns.size());
      if (node.n_words == 0) {
        look_up_values(node, bits);
        continue;
      }
      const typename Isa::Set set(&forest_bins_.category_words[node.first_word], node.n_words);
      const Group* codes = bins_ + node.column * kPlaneGroups;
      for (std::size_t g = 0; g < n_groups_; ++g) bits[g] = set.contains(_mm512_load_si512(&codes[g]));
    }
  }

  void look_up_values(const CategoryNode& node, std::uint64_t* bits) const {
    std::fill_n(bits, kPlaneGroups, 0);
    const float* cells = job_.rows.data + node.feature;
    for (std::size_t r = 0; r < job_.rows.n_rows; ++r) {
      const float x = cells[r * job_.rows.stride];
      const std::uint64_t is_right = x != x ? node.default_right : contains(*job_.forest, node.set, x);
      bits[r / 64] |= is_right << (r % 64);
    }
  }

  __m512i plane(std::size_t place) const {
    return _mm512_andnot_si512(missing_[excluded_[place]], _mm512_load_si512(&planes_[place]));
  }

  /// Of 2^kBits adjacent planes from `place` on, the one that the last kBits turns before kLevel select.
  template <std::size_t kLevel, std::size_t kBits>
  __m512i pick(const __m512i* turns, std::size_t place) const {
    if constexpr (kBits == 0) {
      return plane(place);
    } else {
      constexpr int kChoose = 0xca;  // a ? b : c
      const __m512i left = pick<kLevel, kBits - 1>(turns, place);
      const __m512i right = pick<kLevel, kBits - 1>(turns, place + (std::size_t{1} << (kBits - 1)));
      return _mm512_ternarylogic_epi64(turns[kLevel - kBits], right, left, kChoose);
    }
  }

  template <std::size_t kLevels>
  void pick_all(Plane* out) const {
    __m512i turns[kLevels];
    [&]<std::size_t... level>(std::index_sequence<level...>) {
      ((turns[level] = pick<level, level>(turns, std::size_t{1} << level)), ...);
    }(std::make_index_sequence<kLevels>());
    for (std::size_t level = 0; level < kLevels; ++level) _mm512_store_si512(&out[level], turns[level]);
  }

  void pick_turns(std::uint32_t levels, Plane* out) const {
    switch (levels) {
      case 1:
        return pick_all<1>(out);
      case 2:
        return pick_all<2>(out);
      case 3:
        return pick_all<3>(out);
      case 4:
        return pick_all<4>(out);
      case 5:
        return pick_all<5>(out);
      default:
        return pick_all<6>(out);
    }
  }

  const MarginJob& job_;
  const Bins& forest_bins_;
  const Planes& forest_planes_;
  std::size_t n_groups_;
  Group* bins_;
  __m512i* missing_;
  __m512* sums_;
  // Places without a split keep the previous plane: every exit below them is the same.
  Plane planes_[kMaxLeaves] = {};
  std::uint16_t excluded_[kMaxLeaves] = {};
  __m512i reach_[kMaxLeaves];
};

}  // namespace sluice::gbdt
