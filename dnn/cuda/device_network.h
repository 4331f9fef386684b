#pragma once
/// A network on a device, and the launches of one forward pass over it. Not installed.

#include <cstddef>

#include "sluice/dnn/cuda/packed_network.h"
#include "sluice/dnn/cuda/resources.h"
#include "sluice/dnn/cuda/workspace.h"

namespace sluice::dnn::cuda {

/// Immutable after construction. Belongs to the thread's current device at construction.
class DeviceNetwork {
 public:
  DeviceNetwork(PackedNetwork packed, std::size_t n_processors);

  const PackedNetwork& packed() const { return packed_; }

  /// Enqueues a pass over `n_rows` encoded rows on the stream: from workspace.encoded to workspace.margins.
  void enqueue(float* workspace, const WorkspaceLayout& layout, std::size_t n_rows, cudaStream_t stream) const;

 private:
  void enqueue_member(const PackedMember& member, float* workspace, const WorkspaceLayout& layout, std::size_t n_rows,
                      float* outputs, cudaStream_t stream) const;

  PackedNetwork packed_;  // its floats and sources are freed once they are on the device
  std::size_t n_processors_;
  DeviceBytes floats_, sources_, n_paths_;
};

}  // namespace sluice::dnn::cuda
