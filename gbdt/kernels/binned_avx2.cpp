#include <immintrin.h>

#include "sluice/gbdt/kernels/binned_avx2_bins.h"
#include "sluice/gbdt/kernels/byte_kernel.h"
#include "sluice/gbdt/kernels/row_kernel.h"

namespace sluice::gbdt {
namespace {

struct Avx2 {
  static unsigned count_le(const float* cuts, float x) {
    const __m256 value = _mm256_set1_ps(x);
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(cuts), value, _CMP_LE_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(cuts + 8), value, _CMP_LE_OQ));
    return static_cast<unsigned>(__builtin_popcount(static_cast<unsigned>(low | high << 8)));
  }

  static void quantize_row(const Bins& of, const float* row, std::int8_t* bins) { bins_of_row<Avx2>(of, row, bins); }
  static void quantize_column(const Bins& of, std::size_t c, const float* cells, std::size_t stride, std::size_t n,
                              std::int8_t* bins) {
    bins_of_column<Avx2>(of, c, cells, stride, n, bins);
  }

  static void leaves64(std::uint64_t rights, const std::uint32_t* exits, std::uint32_t* leaves) {
    for (std::uint32_t k = 0; k < 64; ++k) leaves[k] = exits[k + 64 * (rights >> k & 1)];
  }

  static void walk8(const std::uint64_t* masks, std::uint32_t levels, std::uint64_t* places) {
    const __m256i one = _mm256_set1_epi64x(1);
    for (std::size_t half = 0; half < 8; half += 4) {
      const __m256i mask = _mm256_load_si256(reinterpret_cast<const __m256i*>(masks + half));
      __m256i place = one;
      for (std::uint32_t level = 0; level < levels; ++level) {
        const __m256i turn = _mm256_and_si256(_mm256_srlv_epi64(mask, place), one);
        place = _mm256_or_si256(_mm256_add_epi64(place, place), turn);
      }
      _mm256_store_si256(reinterpret_cast<__m256i*>(places + half), place);
    }
  }

  /// tables[b][k]: byte b of the leaves 16 k to 16 k + 15, in both halves of a register.
  static void split_bytes(const std::uint32_t* words, __m256i (*tables)[4]) {
    alignas(16) std::uint8_t bytes[4][64];
    for (int b = 0; b < 4; ++b)
      for (int k = 0; k < 64; ++k) bytes[b][k] = static_cast<std::uint8_t>(words[k] >> (8 * b));
    for (int b = 0; b < 4; ++b)
      for (int k = 0; k < 4; ++k)
        tables[b][k] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes[b] + 16 * k)));
  }

  /// Adds the leaves of 32 rows.
  static void add_leaves(const __m256i (*tables)[4], __m256i leaf, bool has_many, __m256* sums) {
    const __m256i bit4 = _mm256_slli_epi16(leaf, 3), bit5 = _mm256_slli_epi16(leaf, 2);  // as a byte's top bit
    __m256i part[4];
    for (int b = 0; b < 4; ++b) {
      part[b] = _mm256_shuffle_epi8(tables[b][0], leaf);
      if (!has_many) continue;
      part[b] = _mm256_blendv_epi8(part[b], _mm256_shuffle_epi8(tables[b][1], leaf), bit4);
      const __m256i high =
          _mm256_blendv_epi8(_mm256_shuffle_epi8(tables[b][2], leaf), _mm256_shuffle_epi8(tables[b][3], leaf), bit4);
      part[b] = _mm256_blendv_epi8(part[b], high, bit5);
    }
    const __m256i low[2] = {_mm256_unpacklo_epi8(part[0], part[1]), _mm256_unpackhi_epi8(part[0], part[1])};
    const __m256i high[2] = {_mm256_unpacklo_epi8(part[2], part[3]), _mm256_unpackhi_epi8(part[2], part[3])};
    for (int k = 0; k < 2; ++k) {
      sums[2 * k] = _mm256_add_ps(sums[2 * k], _mm256_castsi256_ps(_mm256_unpacklo_epi16(low[k], high[k])));
      sums[2 * k + 1] = _mm256_add_ps(sums[2 * k + 1], _mm256_castsi256_ps(_mm256_unpackhi_epi16(low[k], high[k])));
    }
  }

  /// One bit per code: byte code / 8, bit code % 8.
  class Set {
   public:
    explicit Set(const std::uint64_t* words) {
      const auto* bytes = reinterpret_cast<const __m128i*>(words);
      low_ = _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes));
      high_ = _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes + 1));
    }

    /// Bytes of ones if the code is not in the set.
    __m256i lacks(__m256i codes) const {
      const __m256i bits = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
      const __m256i byte = _mm256_and_si256(_mm256_srli_epi16(codes, 3), _mm256_set1_epi8(15));
      const __m256i bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(codes, _mm256_set1_epi8(7)));
      const __m256i set = _mm256_blendv_epi8(_mm256_shuffle_epi8(low_, byte), _mm256_shuffle_epi8(high_, byte), codes);
      return _mm256_cmpeq_epi8(_mm256_and_si256(set, bit), _mm256_setzero_si256());
    }

   private:
    __m256i low_, high_;
  };

  template <std::size_t>
  using RowBins = Avx2Bins;
};

Ran planes(const MarginJob& job) {
  ByteKernel<Avx2>::run(job);
  return {Kernel::avx2, Method::planes};
}

Ran rows(const MarginJob& job) {
  RowKernel<Avx2, 1>::run(job);
  return {Kernel::avx2, Method::rows};
}

}  // namespace

const BinnedKernel& binned_kernel_avx2() {
  static constexpr BinnedKernel kernel{planes, rows, RowKernel<Avx2, 1>::left_bits, 64, false};
  return kernel;
}

}  // namespace sluice::gbdt
