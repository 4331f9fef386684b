#pragma once
/// The check before a network is served in less than float32: compares its probabilities on given rows with float32's.
/// Thread-safety: all functions are thread-safe.

#include "sluice/base/batch.h"
#include "sluice/dnn/executor.h"

namespace sluice::dnn {

/// The largest |p - p'| over encoded rows. p is the logistic probability of a margin, or for several outputs each
/// class's softmax. A row that is finite in only one of them counts as 1. Throws as Executor::forward does.
double largest_probability_difference(const Executor& exact, const Executor& other, BatchView encoded);

/// Throws Error{device.parity} if the difference is above `bound`, or if there are no rows.
void require_parity(const Executor& exact, const Executor& other, BatchView encoded, double bound);

}  // namespace sluice::dnn
