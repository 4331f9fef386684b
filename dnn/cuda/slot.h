#pragma once
/// One batch's path to the device and back: a stream, pinned memory, device memory, and a graph for each batch of 1, 2,
/// 4, … rows, captured once. Not installed.
///
///     pinned encoded rows  ->  device  ->  kernels  ->  device  ->  pinned margins        one graph, one launch

#include <cstddef>
#include <span>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/dnn/cuda/device_network.h"

namespace sluice::dnn::cuda {

class Slot {
 public:
  /// Captures and runs every graph once, so that no later call loads a kernel or pays for a first launch.
  Slot(const DeviceNetwork& network, std::size_t max_batch);

  /// Starts a batch of 1 to max_batch rows. They are copied, so that the caller's memory can be reused.
  void start(BatchView encoded);
  /// Waits for the batch, and writes its margins.
  void finish(std::span<float> margins);
  /// Waits for running work, and ignores its result.
  void abandon() noexcept { cudaStreamSynchronize(stream_.get()); }

 private:
  void enqueue(const DeviceNetwork& network, std::size_t n_rows);
  GraphExec capture(const DeviceNetwork& network, std::size_t n_rows);

  std::size_t n_encoded_;
  WorkspaceLayout layout_;
  DeviceBytes workspace_;
  PinnedFloats encoded_, margins_;
  Stream stream_;
  std::vector<GraphExec> graphs_;  // [b] for up to 2^b rows
};

}  // namespace sluice::dnn::cuda
