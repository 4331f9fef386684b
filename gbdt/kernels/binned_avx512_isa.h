#pragma once
/// What the two AVX-512 kernels share. Not installed.

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {

struct Avx512Isa {
  static __mmask16 le(const float* cuts, float x) {
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(cuts), _mm512_set1_ps(x), _CMP_LE_OQ);
  }
  static unsigned count_le(const float* cuts, float x) {
    return static_cast<unsigned>(__builtin_popcount(le(cuts, x)));
  }

  /// For 16 masks that are ones below zeros, the number of low ones: the exponent of mask + 1.
  static __m512i counts(const std::uint16_t* masks) {
    const __m512i next = _mm512_add_epi32(
        _mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(masks))), _mm512_set1_epi32(1));
    return _mm512_sub_epi32(_mm512_srli_epi32(_mm512_castps_si512(_mm512_cvtepi32_ps(next)), 23),
                            _mm512_set1_epi32(127));
  }

  /// Among 16 ascending cuts, the last of which is NaN, the number that are <= each of 16 values: four search steps.
  static __m512i search(__m512 cuts, __m512 x) {
    __m512i count = _mm512_setzero_si512();
    for (const int step : {8, 4, 2, 1}) {
      const __m512i at = _mm512_add_epi32(count, _mm512_set1_epi32(step - 1));
      const __mmask16 is_le = _mm512_cmp_ps_mask(_mm512_permutexvar_ps(at, cuts), x, _CMP_LE_OQ);
      count = _mm512_mask_add_epi32(count, is_le, count, _mm512_set1_epi32(step));
    }
    return count;
  }

  static void store_bins(__m512i rows, const std::uint16_t* masks, __m512 x, std::int8_t* bins) {
    const __m512i bin =
        _mm512_add_epi32(_mm512_slli_epi32(rows, 4), _mm512_add_epi32(counts(masks), _mm512_set1_epi32(kLowestBin)));
    const __mmask16 is_missing = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    _mm_store_si128(reinterpret_cast<__m128i*>(bins),
                    _mm512_cvtepi32_epi8(_mm512_mask_mov_epi32(bin, is_missing, _mm512_set1_epi32(kMissingBin))));
  }

  /// Scratch memory for quantizing. Each step finishes for all values before the next begins, because masks that were
  /// just stored one by one cannot be loaded as one register.
  template <std::size_t kCapacity>
  struct Scratch {
    alignas(64) float x[kCapacity];
    alignas(64) std::uint32_t rows[kCapacity];
    alignas(64) std::uint16_t masks[kCapacity];

    /// Rows and masks to bins, in whole groups of 16: the buffers are padded.
    void store(std::size_t n, std::int8_t* bins) const {
      for (std::size_t i = 0; i < n; i += 16)
        store_bins(_mm512_load_si512(rows + i), masks + i, _mm512_load_ps(x + i), bins + i);
    }
  };

  static void quantize_column(const Bins& of, std::size_t c, const float* cells, std::size_t stride, std::size_t n,
                              std::int8_t* bins) {
    const Column& column = of.columns[c];
    const __m512 coarse = _mm512_loadu_ps(&of.coarse[c * kCutsABlock]);
    const float* fine = &of.fine[column.first_row * kCutsABlock];
    Scratch<512> scratch;
    for (std::size_t i = 0; i < n; ++i) scratch.x[i] = cells[i * stride];
    for (std::size_t i = n; i % 16 != 0; ++i) scratch.x[i] = 0;
    for (std::size_t i = 0; i < n; i += 16)
      _mm512_store_si512(scratch.rows + i,
                         column.n_rows > 1 ? search(coarse, _mm512_load_ps(scratch.x + i)) : _mm512_setzero_si512());
    for (std::size_t i = 0; i < n; ++i) scratch.masks[i] = le(fine + scratch.rows[i] * kCutsABlock, scratch.x[i]);
    scratch.store(n, bins);
  }

  static void quantize_row(const Bins& of, const float* row, std::int8_t* bins) {
    const std::size_t n = of.columns.size();
    const Column* columns = of.columns.data();
    Scratch<kMaxNamedColumns> scratch;
    for (std::size_t c = 0; c < n; ++c) {
      scratch.x[c] = row[columns[c].feature];
      scratch.masks[c] = le(&of.coarse[c * kCutsABlock], scratch.x[c]);
    }
    for (std::size_t c = 0; c < n; c += 16) _mm512_store_si512(scratch.rows + c, counts(scratch.masks + c));
    for (std::size_t c = 0; c < n; ++c)
      scratch.masks[c] = le(&of.fine[(columns[c].first_row + scratch.rows[c]) * kCutsABlock], scratch.x[c]);
    scratch.store(n, bins);
  }

  /// Place 1 is the root; after `levels` turns a place is 2^levels or more.
  static void walk8(const std::uint64_t* masks, std::uint32_t levels, std::uint64_t* places) {
    const __m512i mask = _mm512_load_si512(masks), one = _mm512_set1_epi64(1);
    __m512i place = one;
    for (std::uint32_t level = 0; level < levels; ++level) {
      const __m512i turn = _mm512_srlv_epi64(mask, place);
      constexpr int kOrLowBit = 0xf8;  // a | (b & c)
      place = _mm512_ternarylogic_epi64(_mm512_add_epi64(place, place), turn, one, kOrLowBit);
    }
    _mm512_store_si512(places, place);
  }

  static void leaves64(std::uint64_t rights, const std::uint32_t* exits, std::uint32_t* leaves) {
    for (int k = 0; k < 64; k += 16)
      _mm512_storeu_si512(leaves + k,
                          _mm512_mask_blend_epi32(static_cast<__mmask16>(rights >> k), _mm512_loadu_si512(exits + k),
                                                  _mm512_loadu_si512(exits + 64 + k)));
  }

  /// The turns of 64 rows as their leaf numbers, one byte per row; the first turn is the highest bit.
  template <int kTurns>
  static __m512i leaf_numbers(const std::uint64_t* turns) {
    __m512i leaf = _mm512_maskz_set1_epi8(turns[0], static_cast<char>(1 << (kTurns - 1)));
#pragma GCC unroll 8
    for (int k = 1; k < kTurns; ++k)
      leaf = _mm512_mask_add_epi8(leaf, turns[k], leaf, _mm512_set1_epi8(static_cast<char>(1 << (kTurns - 1 - k))));
    return leaf;
  }

  /// Byte b of each of 64 words, for b of 0 to 3.
  static void split_bytes(const std::uint32_t* words, __m512i* part) {
    alignas(64) std::uint8_t bytes[4][64];
    for (int k = 0; k < 4; ++k) {
      const __m512i word = _mm512_loadu_si512(words + 16 * k);
      const auto put = [&](int b, __m512i shifted) {
        _mm_store_si128(reinterpret_cast<__m128i*>(bytes[b] + 16 * k), _mm512_cvtepi32_epi8(shifted));
      };
      put(0, word);
      put(1, _mm512_srli_epi32(word, 8));
      put(2, _mm512_srli_epi32(word, 16));
      put(3, _mm512_srli_epi32(word, 24));
    }
    for (int b = 0; b < 4; ++b) part[b] = _mm512_load_si512(bytes[b]);
  }

  /// `part[b]` has byte b of 64 floats. plane_kernel.h describes the order that unpacking produces.
  static void add_unpacked(const __m512i* part, __m512* sums) {
    const __m512i low[2] = {_mm512_unpacklo_epi8(part[0], part[1]), _mm512_unpackhi_epi8(part[0], part[1])};
    const __m512i high[2] = {_mm512_unpacklo_epi8(part[2], part[3]), _mm512_unpackhi_epi8(part[2], part[3])};
    for (std::size_t k = 0; k < 2; ++k) {
      sums[2 * k] = _mm512_add_ps(sums[2 * k], _mm512_castsi512_ps(_mm512_unpacklo_epi16(low[k], high[k])));
      sums[2 * k + 1] = _mm512_add_ps(sums[2 * k + 1], _mm512_castsi512_ps(_mm512_unpackhi_epi16(low[k], high[k])));
    }
  }
};

}  // namespace sluice::gbdt
