#pragma once
/// Heads of several rows in parallel, for the files that are compiled for AVX. Not installed.
///
/// A head is one chain over its inputs, so that lanes are rows. Four columns of eight rows are transposed in registers:
///
///     low half   row 0: x0 x1 x2 x3        column 0: row 0, 1, 2, 3
///     high half  row 4: x0 x1 x2 x3   ->             row 4, 5, 6, 7
///
/// The namespace is anonymous, so that files of different instruction sets share no function.

#include <immintrin.h>

#include <cstddef>

namespace sluice::dnn {
namespace {

struct AvxHeads {
  /// Columns i … i+3 of eight rows.
  static void turn(const float* const* rows, std::size_t i, __m256* column) {
    __m256 row[4], pair[4];
    for (std::size_t r = 0; r < 4; ++r)
      row[r] =
          _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[r] + i)), _mm_loadu_ps(rows[r + 4] + i), 1);
    for (std::size_t r = 0; r < 4; r += 2) {
      pair[r] = _mm256_unpacklo_ps(row[r], row[r + 1]);
      pair[r + 1] = _mm256_unpackhi_ps(row[r], row[r + 1]);
    }
    for (std::size_t c = 0; c < 4; c += 2) {
      column[c] = _mm256_shuffle_ps(pair[c / 2], pair[c / 2 + 2], 0x44);
      column[c + 1] = _mm256_shuffle_ps(pair[c / 2], pair[c / 2 + 2], 0xee);
    }
  }

  /// Continues the chains of 8 kGroups rows over as many of their `n_in` inputs as make whole columns. Returns the
  /// number of inputs used.
  template <std::size_t kGroups>
  static std::size_t chains(const float* const* x, const float* const* weight, std::size_t n_in, float* sum) {
    __m256 acc[kGroups];
#pragma GCC unroll 2
    for (std::size_t g = 0; g < kGroups; ++g) acc[g] = _mm256_loadu_ps(sum + 8 * g);
    std::size_t i = 0;
    for (; i + 4 <= n_in; i += 4)
#pragma GCC unroll 2
      for (std::size_t g = 0; g < kGroups; ++g) {
        __m256 inputs[4], weights[4];
        turn(x + 8 * g, i, inputs);
        turn(weight + 8 * g, i, weights);
        for (std::size_t c = 0; c < 4; ++c) acc[g] = _mm256_fmadd_ps(inputs[c], weights[c], acc[g]);
      }
#pragma GCC unroll 2
    for (std::size_t g = 0; g < kGroups; ++g) _mm256_storeu_ps(sum + 8 * g, acc[g]);
    return i;
  }
};

}  // namespace
}  // namespace sluice::dnn
