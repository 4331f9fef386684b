#pragma once
/// Compares a forest's fast methods with the plain walk when the forest is loaded. Not installed.

#include <cstdint>
#include <memory>

#include "sluice/base/batch.h"
#include "sluice/gbdt/kernel.h"
#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {

/// The bit of BinnedForest::refused for a method of a kernel.
inline std::uint8_t refusal_of(Kernel kernel, Method method) {
  const int k = static_cast<int>(kernel) - static_cast<int>(Kernel::avx2);
  return static_cast<std::uint8_t>(1u << (2 * k + (method == Method::planes ? 1 : 0)));
}

/// Assigns these bins (or none) to the forest and replaces its warnings. Bins with an index out of range are dropped. A
/// method of a kernel of this processor that gives other margins than the walk on probe_rows is refused. Both add a
/// warning.
void adopt(Forest& forest, std::shared_ptr<BinnedForest> binned);

/// Rows with cells just below, at and just above the forest's own thresholds, in and out of its category sets, or
/// missing. The same forest gives the same rows.
FloatTable probe_rows(const Forest& forest);

}  // namespace sluice::gbdt
