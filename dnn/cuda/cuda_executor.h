#pragma once
/// An executor on a CUDA device (docs/gpu.md).
///
/// Exactness: the bits of the CPU executor, whatever the batch, the slot, the thread or the card; a NaN is a NaN on
/// both, and only its payload may differ. Const calls are thread-safe: each borrows a slot, and a long batch several,
/// so that the copies of one chunk go on beside the computation of another. Needs the CUDA runtime alone, which is
/// linked statically. Not installed: make_executor is the way in.

#include <cstddef>
#include <memory>

#include "sluice/dnn/executor.h"

namespace sluice::dnn {

struct CudaOptions {
  int device = 0;
  std::size_t max_batch = 16384;  // rows of a chunk, down to a power of two, at most 2^20; fewer where memory is short
  std::size_t n_slots = 4;        // batches under way at a time, up to 16; fewer where memory is short
  double memory_share = 0.7;      // of the memory that is free on the device at construction
};

/// Uploads the network, and captures and warms up every slot. Throws Error{device.*} where that cannot be, and
/// Error{device.unavailable} in a build without CUDA. Its forward() throws
///
///     shape           before anything reaches the device
///     device.forked   in a process forked from the one that made the executor
///     device.lost     after an error that CUDA does not recover from, at once and ever after
///     device.*        where the device fails a batch; the executor goes on with the next
std::unique_ptr<Executor> make_cuda_executor(std::shared_ptr<const Network> network, const CudaOptions& options = {});

}  // namespace sluice::dnn
