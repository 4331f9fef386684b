#pragma once
/// How much memory a forward pass takes, and the largest batch that a cap allows. Host code alone. Not installed.

#include <cstddef>

#include "sluice/dnn/cuda/packed_network.h"

namespace sluice::dnn::cuda {

/// One slot's device memory for batches of up to `n_rows`: places in floats.
struct WorkspaceLayout {
  std::size_t encoded = 0, activations[2] = {0, 0}, outputs = 0, margins = 0;
  std::size_t n_floats = 0;
};

WorkspaceLayout layout_of(const PackedNetwork& network, std::size_t n_rows);

/// Device memory of the weights.
std::size_t weight_bytes(const PackedNetwork& network);

/// Rows of a chunk, at most: every size and grid below stays within its type.
inline constexpr std::size_t kMaxChunk = std::size_t{1} << 20;

struct MemoryPlan {
  std::size_t max_batch = 0;  // a power of two
  std::size_t n_slots = 0;
  std::size_t n_bytes = 0;  // weights and slots
};

/// Halves the batch, then the slots, until all fits. Throws Error{device.out_of_memory} where not one row does.
MemoryPlan plan_memory(const PackedNetwork& network, std::size_t max_batch, std::size_t n_slots, std::size_t cap_bytes);

}  // namespace sluice::dnn::cuda
