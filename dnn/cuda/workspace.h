#pragma once
/// The memory of a forward pass, and the largest batch within a limit. Host code only. Not installed.

#include <cstddef>

#include "sluice/dnn/cuda/packed_network.h"

namespace sluice::dnn::cuda {

/// One slot's device memory for batches of up to `n_rows`: offsets in floats.
struct WorkspaceLayout {
  std::size_t encoded = 0, activations[2] = {0, 0}, outputs = 0, margins = 0;
  std::size_t n_floats = 0;
};

WorkspaceLayout layout_of(const PackedNetwork& network, std::size_t n_rows);

/// Device memory of the weights.
std::size_t weight_bytes(const PackedNetwork& network);

/// Maximum number of rows of a chunk: every size and grid below stays within its type.
inline constexpr std::size_t kMaxChunk = std::size_t{1} << 20;

struct MemoryPlan {
  std::size_t max_batch = 0;  // a power of two
  std::size_t n_slots = 0;
  std::size_t n_bytes = 0;  // weights and slots
};

/// Halves the batch, then the slots, until everything fits. Throws Error{device.out_of_memory} if one row does not.
MemoryPlan plan_memory(const PackedNetwork& network, std::size_t max_batch, std::size_t n_slots, std::size_t cap_bytes);

}  // namespace sluice::dnn::cuda
