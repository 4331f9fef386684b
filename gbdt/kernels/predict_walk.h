#pragma once
/// Margins by walking the trees as they are, on any processor: what the fast kernels are checked against. Not
/// installed.

#include "sluice/gbdt/kernels/binned_kernel.h"

namespace sluice::gbdt {

/// Trees that a row walks side by side: enough to hide the waits, few enough for the registers (script/bench gbdt).
inline constexpr std::size_t kTreesAbreast = 20;

/// Any number of rows.
Ran predict_walk(const MarginJob& job);

}  // namespace sluice::gbdt
