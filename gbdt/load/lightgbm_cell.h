#pragma once
/// A value as the splits of a LightGBM forest read it. Not installed.

#include <cmath>
#include <limits>

#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {

inline bool is_lightgbm_zero(float x) { return std::abs(x) <= 1e-35f; }

/// The value that nodes of missing type Zero read.
inline float zero_as_missing(float x) { return is_lightgbm_zero(x) ? std::numeric_limits<float>::quiet_NaN() : x; }

/// LightGBM truncates a category's code before it tests its sign: -0.5 is category 0.
inline float lightgbm_category(float x) { return x > -1.0f && x < 0.0f ? 0.0f : x; }

/// The child of a split that `row` goes to in a LightGBM forest.
inline std::uint32_t step_lightgbm(const Forest& forest, std::uint32_t at, const float* row) {
  const Node& node = forest.nodes[at];
  const float x = row[node.feature];
  if (node.is_category()) return node.left + contains(forest, node.category_set(), lightgbm_category(x));
  const float seen = node.zero_is_missing() ? zero_as_missing(x) : x;
  const bool goes_right = std::isnan(seen) ? node.default_right() : seen >= node.value;
  return node.left + (goes_right ? 1 : 0);
}

/// The same for any forest: the step of the attributions.
inline std::uint32_t step_of(const Forest& forest, std::uint32_t at, const float* row) {
  return forest.exact_values.empty() ? step_any(forest, at, row) : step_lightgbm(forest, at, row);
}

}  // namespace sluice::gbdt
