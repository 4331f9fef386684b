#pragma once
/// A value as the splits of a LightGBM forest take it. Not installed.

#include <cmath>
#include <limits>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// Zeros are missing for features of missing type Zero: with them as NaN a forest is walked as any other.
inline float lightgbm_number(const Forest& forest, std::size_t feature, float x) {
  const bool is_zero = std::abs(x) <= 1e-35f;
  return is_zero && !forest.zero_is_missing.empty() && forest.zero_is_missing[feature]
             ? std::numeric_limits<float>::quiet_NaN()
             : x;
}

/// LightGBM cuts a category's code before it looks at its sign: -0.5 is category 0.
inline float lightgbm_category(float x) { return x > -1.0f && x < 0.0f ? 0.0f : x; }

}  // namespace sluice::gbdt
