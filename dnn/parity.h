#pragma once
/// The gate before a network is served in less than float32: what it says of given rows, beside what float32 says.

#include "sluice/base/batch.h"
#include "sluice/dnn/executor.h"

namespace sluice::dnn {

/// The largest |p - p'| over encoded rows, p being the logistic probability of a margin, or of several outputs each
/// class's softmax. A row that is finite on one side alone counts as 1. Throws as Executor::forward does.
double largest_probability_difference(const Executor& exact, const Executor& other, BatchView encoded);

/// Throws Error{device.parity} where that is above `bound`, or where there is no row to show it.
void require_parity(const Executor& exact, const Executor& other, BatchView encoded, double bound);

}  // namespace sluice::dnn
