#include <immintrin.h>

#include "sluice/gbdt/kernels/binned_avx2_bins.h"
#include "sluice/gbdt/kernels/binned_avx512_isa.h"
#include "sluice/gbdt/kernels/plane_kernel.h"
#include "sluice/gbdt/kernels/row_kernel.h"

namespace sluice::gbdt {
namespace {

struct Avx512 : Avx512Isa {
  /// Leaf bytes in tables of 16, looked up within each quarter of a register; two turns choose between four results.
  struct Tables {
    __m512i table[4];

    void load(__m512i bytes) {
      table[0] = _mm512_broadcast_i32x4(_mm512_extracti32x4_epi32(bytes, 0));
      table[1] = _mm512_broadcast_i32x4(_mm512_extracti32x4_epi32(bytes, 1));
      table[2] = _mm512_broadcast_i32x4(_mm512_extracti32x4_epi32(bytes, 2));
      table[3] = _mm512_broadcast_i32x4(_mm512_extracti32x4_epi32(bytes, 3));
    }

    /// Of 64 leaves; bits 5 and 4 of their numbers are turns[0] and turns[1].
    __m512i look_up(__m512i leaf, const std::uint64_t* turns) const {
      const __m512i number = _mm512_and_si512(leaf, _mm512_set1_epi8(15));
      const __m512i low = _mm512_mask_blend_epi8(turns[1], _mm512_shuffle_epi8(table[0], number),
                                                 _mm512_shuffle_epi8(table[1], number));
      const __m512i high = _mm512_mask_blend_epi8(turns[1], _mm512_shuffle_epi8(table[2], number),
                                                  _mm512_shuffle_epi8(table[3], number));
      return _mm512_mask_blend_epi8(turns[0], low, high);
    }
  };

  class Leaves {
   public:
    explicit Leaves(const std::uint32_t* exits) {
      __m512i bytes[4];
      split_bytes(exits, bytes);
      for (int b = 0; b < 4; ++b) tables_[b].load(bytes[b]);
    }

    void add(const std::uint64_t* turns, __m512* sums) const {
      const __m512i leaf = leaf_numbers<6>(turns);
      __m512i part[4];
      for (int b = 0; b < 4; ++b) part[b] = tables_[b].look_up(leaf, turns);
      add_unpacked(part, sums);
    }

   private:
    Tables tables_[4];
  };

  /// 256 leaves: four such tables per byte, and two more turns.
  class ManyLeaves {
   public:
    explicit ManyLeaves(const std::uint32_t* exits) {
      for (int quarter = 0; quarter < 4; ++quarter) {
        __m512i bytes[4];
        split_bytes(exits + 64 * quarter, bytes);
        for (int b = 0; b < 4; ++b) tables_[b][quarter].load(bytes[b]);
      }
    }

    void add(const std::uint64_t* turns, __m512* sums) const {
      const __m512i leaf = leaf_numbers<8>(turns);
      __m512i part[4];
      for (int b = 0; b < 4; ++b) {
        __m512i answer[4];
        for (int quarter = 0; quarter < 4; ++quarter) answer[quarter] = tables_[b][quarter].look_up(leaf, turns + 2);
        part[b] = _mm512_mask_blend_epi8(turns[0], _mm512_mask_blend_epi8(turns[1], answer[0], answer[1]),
                                         _mm512_mask_blend_epi8(turns[1], answer[2], answer[3]));
      }
      add_unpacked(part, sums);
    }

   private:
    Tables tables_[4][4];
  };

  /// One bit per code: byte code / 8, bit code % 8.
  class Set {
   public:
    Set(const std::uint64_t* words, std::uint32_t) {
      const auto* bytes = reinterpret_cast<const __m128i*>(words);
      low_ = _mm512_broadcast_i32x4(_mm_loadu_si128(bytes));
      high_ = _mm512_broadcast_i32x4(_mm_loadu_si128(bytes + 1));
    }

    std::uint64_t contains(__m512i codes) const {
      const __m512i bits = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201ull));
      const __m512i byte = _mm512_and_si512(_mm512_srli_epi16(codes, 3), _mm512_set1_epi8(15));
      const __m512i bit = _mm512_shuffle_epi8(bits, _mm512_and_si512(codes, _mm512_set1_epi8(7)));
      const __m512i set = _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), _mm512_shuffle_epi8(low_, byte),
                                                 _mm512_shuffle_epi8(high_, byte));
      return _mm512_test_epi8_mask(set, bit);
    }

   private:
    __m512i low_, high_;
  };

  template <std::size_t>
  using RowBins = Avx2Bins;
};

Ran planes(const MarginJob& job) {
  PlaneKernel<Avx512>::run(job);
  return {Kernel::avx512, Method::planes};
}

Ran rows(const MarginJob& job) {
  RowKernel<Avx512, 1>::run(job);
  return {Kernel::avx512, Method::rows};
}

}  // namespace

const BinnedKernel& binned_kernel_avx512() {
  static constexpr BinnedKernel kernel{planes, rows, RowKernel<Avx512, 1>::left_bits, 64, true};
  return kernel;
}

}  // namespace sluice::gbdt
