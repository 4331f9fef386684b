#pragma once
/// An executor on a CUDA device (docs/gpu.md).
///
/// Exactness: the bits of the CPU executor for every batch, slot, thread and card. A NaN is a NaN on both; only its
/// payload may differ. Const calls are thread-safe: each borrows a slot, and a long batch several, so that the copies
/// of one chunk overlap with the computation of another. Needs only the CUDA runtime, which is linked statically. Not
/// installed: use make_executor.

#include <cstddef>
#include <memory>

#include "sluice/dnn/executor.h"

namespace sluice::dnn {

struct CudaOptions {
  int device = 0;
  // Rows of a chunk, rounded down to a power of two, at most 2^20; fewer if memory is short.
  std::size_t max_batch = 16384;
  std::size_t n_slots = 4;    // concurrent batches, up to 16; fewer if memory is short
  double memory_share = 0.7;  // share of the device's free memory at construction
};

/// Uploads the network, and captures and warms up every slot. Throws Error{device.*} if this fails, and
/// Error{device.unavailable} in a build without CUDA. Its forward() throws
///
///     shape           before anything reaches the device
///     device.forked   in a process forked from the one that made the executor
///     device.lost     after an error from which CUDA does not recover, at once and on every later call
///     device.*        if the device fails a batch; the executor continues with the next batch
std::unique_ptr<Executor> make_cuda_executor(std::shared_ptr<const Network> network, const CudaOptions& options = {});

}  // namespace sluice::dnn
