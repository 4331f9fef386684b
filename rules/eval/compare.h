#pragma once
// Comparisons of up to 64 numbers, one bit each, and look-ups of one number.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "sluice/rules/compile/graph.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

struct Planes {
  std::uint64_t yes = 0, no = 0;  // neither: missing
};

struct Each {
  const double* numbers;
  double at(std::size_t i) const { return numbers[i]; }
#ifdef __SSE2__
  __m128d pair(std::size_t i) const { return _mm_loadu_pd(numbers + i); }
#endif
};
struct All {
  double number;
  double at(std::size_t) const { return number; }
#ifdef __SSE2__
  __m128d pair(std::size_t) const { return _mm_set1_pd(number); }
#endif
};

// All but Unordered are false if one side is NaN. SSE2 is part of every x86-64.
#ifdef __SSE2__
#define SLUICE_COMPARISON(Name, holds, pairs)                 \
  struct Name {                                               \
    static bool of(double a, double b) { return holds; }      \
    static __m128d of(__m128d a, __m128d b) { return pairs; } \
  }
#else
#define SLUICE_COMPARISON(Name, holds, pairs)            \
  struct Name {                                          \
    static bool of(double a, double b) { return holds; } \
  }
#endif
SLUICE_COMPARISON(Less, a < b, _mm_cmplt_pd(a, b));
SLUICE_COMPARISON(LessEqual, a <= b, _mm_cmple_pd(a, b));
SLUICE_COMPARISON(Greater, a > b, _mm_cmpgt_pd(a, b));
SLUICE_COMPARISON(GreaterEqual, a >= b, _mm_cmpge_pd(a, b));
SLUICE_COMPARISON(Equal, a == b, _mm_cmpeq_pd(a, b));
SLUICE_COMPARISON(Differ, a<b || a> b, _mm_and_pd(_mm_cmpneq_pd(a, b), _mm_cmpord_pd(a, b)));
SLUICE_COMPARISON(Unordered, !(a <= b) && !(a >= b), _mm_cmpunord_pd(a, b));
#undef SLUICE_COMPARISON

/// `Yes` and `No` test whether the result is known to be true, and known to be false.
template <std::size_t N, class Yes, class No, class Right>
Planes compare(Each left, Right right) {
  Planes planes;
#ifdef __SSE2__
  if constexpr (N % 2 == 0) {
    for (std::size_t i = 0; i < N; i += 2) {
      const __m128d a = left.pair(i), b = right.pair(i);
      planes.yes |= static_cast<std::uint64_t>(_mm_movemask_pd(Yes::of(a, b))) << i;
      planes.no |= static_cast<std::uint64_t>(_mm_movemask_pd(No::of(a, b))) << i;
    }
    return planes;
  }
#endif
  for (std::size_t i = 0; i < N; ++i) {
    planes.yes |= std::uint64_t{Yes::of(left.at(i), right.at(i))} << i;
    planes.no |= std::uint64_t{No::of(left.at(i), right.at(i))} << i;
  }
  return planes;
}

inline Planes plane_of(bool holds) { return {holds, !holds}; }

inline Planes in_set(const NumberSet& set, double x) {
  if (x != x) return {};
  return plane_of(set.contains(x));
}

/// The code of a word in a vocabulary of `size` words; `size` for a word outside it.
inline std::size_t word_place(double code, std::size_t size) {
  return code >= 0 && code < static_cast<double>(size) ? static_cast<std::size_t>(code) : size;
}

inline Planes in_table(const std::vector<bool>& table, double code) {
  const std::size_t place = word_place(code, table.size());
  return place == table.size() ? Planes{} : plane_of(table[place]);
}

inline double word_number(const std::vector<double>& table, double code) {
  const std::size_t place = word_place(code, table.size());
  return place == table.size() ? std::numeric_limits<double>::quiet_NaN() : table[place];
}

/// A word outside its vocabulary differs from every word inside; two such words may or may not be the same.
inline Planes same_word(const WordPair& pair, double a, double b) {
  if (a != a || b != b) return {};
  const std::size_t place_a = word_place(a, pair.a_in_b.size()), place_b = word_place(b, pair.b_in_a.size());
  const bool knows_a = place_a < pair.a_in_b.size(), knows_b = place_b < pair.b_in_a.size();
  if (!knows_a && !knows_b) return {};
  if (!knows_a) return pair.b_in_a[place_b] >= 0 ? plane_of(false) : Planes{};
  if (!knows_b) return pair.a_in_b[place_a] ? plane_of(false) : Planes{};
  return plane_of(pair.b_in_a[place_b] == static_cast<std::int32_t>(place_a));
}

/// In the order of kGivenNames.
constexpr std::array<double ModelOutputs::*, 6> kGivenFields = {
    &ModelOutputs::p_forest,      &ModelOutputs::p_network,      &ModelOutputs::p_final,
    &ModelOutputs::margin_forest, &ModelOutputs::margin_network, &ModelOutputs::now};
inline double given_value(const ModelOutputs& given, std::size_t which) { return given.*kGivenFields[which]; }
inline double& given_value(ModelOutputs& given, std::size_t which) { return given.*kGivenFields[which]; }

}  // namespace sluice::rules
