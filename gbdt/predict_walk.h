#pragma once
/// Margins by walking the trees as they are, on any processor: what the fast kernels are checked against. Not
/// installed.

#include "sluice/gbdt/binned_kernel.h"

namespace sluice::gbdt {

/// Any number of rows. Returns Kernel::scalar.
Kernel predict_walk(const MarginJob& job);

}  // namespace sluice::gbdt
