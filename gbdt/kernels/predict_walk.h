#pragma once
/// Margins by walking the trees, on any processor: the reference for the fast kernels. Not installed.

#include "sluice/gbdt/kernels/binned_kernel.h"

namespace sluice::gbdt {

/// Trees that a row walks in parallel: enough to hide latency, few enough for the registers (script/bench gbdt).
inline constexpr std::size_t kTreesAbreast = 20;

/// For any number of rows.
Ran predict_walk(const MarginJob& job);

}  // namespace sluice::gbdt
