#pragma once
/// A row's bins in AVX2 registers, for kernels without a permute of 64 bytes. Not installed.

#include <immintrin.h>

#include <cstdint>

#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {

/// Four tables of 16 bins, each in both halves of a register. A shuffle looks up the column's low four bits in each
/// table; bits 4 and 5 choose between the four results.
struct Avx2Bins {
  __m256i table[4];
  const std::int8_t* bytes;

  static Avx2Bins load(const std::int8_t* bins) {
    Avx2Bins out;
    out.bytes = bins;
    for (int k = 0; k < 4; ++k)
      out.table[k] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(bins + 16 * k)));
    return out;
  }

  std::uint64_t outcomes(const BlockNodes& nodes, std::uint64_t default_left) const {
    std::uint64_t above = 0, is_missing = 0;
    for (int half = 0; half < 2; ++half) {
      const auto* columns = reinterpret_cast<const __m256i*>(nodes.column) + half;
      const __m256i bins = look_up(_mm256_load_si256(columns));
      const __m256i cut = _mm256_load_si256(reinterpret_cast<const __m256i*>(nodes.cut) + half);
      above |= mask(_mm256_cmpgt_epi8(bins, cut)) << (32 * half);
      is_missing |= mask(_mm256_cmpeq_epi8(bins, _mm256_set1_epi8(kMissingBin))) << (32 * half);
    }
    return above & ~(is_missing & default_left);
  }

  std::uint64_t category_bits(const CategoryLanes& lanes, std::uint32_t first, std::uint32_t n) const {
    std::uint64_t bits = 0;
    for (std::uint32_t k = first; k < first + n; ++k) {
      const auto bit = static_cast<std::uint8_t>(static_cast<std::uint8_t>(bytes[lanes.column[k]]) - lanes.base[k]);
      const std::uint64_t word = bit < 64 ? lanes.word[k] : 0;
      bits |= (word >> (bit % 64) & 1) << lanes.place[k];
    }
    return bits;
  }

 private:
  static std::uint64_t mask(__m256i bytes) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes)); }

  __m256i look_up(__m256i column) const {
    const __m256i bit4 = _mm256_slli_epi16(column, 3), bit5 = _mm256_slli_epi16(column, 2);  // as a byte's top bit
    const __m256i low =
        _mm256_blendv_epi8(_mm256_shuffle_epi8(table[0], column), _mm256_shuffle_epi8(table[1], column), bit4);
    const __m256i high =
        _mm256_blendv_epi8(_mm256_shuffle_epi8(table[2], column), _mm256_shuffle_epi8(table[3], column), bit4);
    return _mm256_blendv_epi8(low, high, bit5);
  }
};

}  // namespace sluice::gbdt
