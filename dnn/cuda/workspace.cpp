#include "sluice/dnn/cuda/workspace.h"

#include <algorithm>
#include <bit>
#include <string>

#include "sluice/base/error.h"

namespace sluice::dnn::cuda {

WorkspaceLayout layout_of(const PackedNetwork& network, std::size_t n_rows) {
  std::size_t n_activations = 0, n_paths = 0;
  for (const PackedMember& member : network.members) {
    std::size_t widest = member.n_inputs;
    for (const PackedLayer& layer : member.layers) widest = std::max(widest, layer.n_out);
    const std::size_t stride = round_up(n_rows * member.n_paths, kPairPad);
    n_activations = std::max(n_activations, round_up(widest, kInputPad) * stride);
    n_paths += member.n_paths;
  }
  WorkspaceLayout layout;
  const auto take = [&](std::size_t n) {
    const std::size_t at = layout.n_floats;
    layout.n_floats = round_up(at + n, 64);
    return at;
  };
  layout.encoded = take(n_rows * network.n_encoded);
  layout.activations[0] = take(n_activations);
  layout.activations[1] = take(n_activations);
  layout.outputs = take(n_rows * n_paths);
  layout.margins = take(n_rows);
  return layout;
}

std::size_t weight_bytes(const PackedNetwork& network) {
  return network.floats.size() * sizeof(float) + network.sources.size() * sizeof(InputSource) +
         network.n_paths.size() * sizeof(std::uint32_t);
}

MemoryPlan plan_memory(const PackedNetwork& network, std::size_t max_batch, std::size_t n_slots,
                       std::size_t cap_bytes) {
  MemoryPlan plan{.max_batch = std::bit_floor(std::clamp<std::size_t>(max_batch, 1, kMaxChunk)),
                  .n_slots = std::max<std::size_t>(1, n_slots)};
  while (true) {
    plan.n_bytes = weight_bytes(network) + plan.n_slots * layout_of(network, plan.max_batch).n_floats * sizeof(float);
    if (plan.n_bytes <= cap_bytes) return plan;
    if (plan.max_batch > 1)
      plan.max_batch /= 2;
    else if (plan.n_slots > 1)
      plan.n_slots /= 2;
    else
      throw Error("device.out_of_memory",
                  "the network needs " + std::to_string(plan.n_bytes) +
                      " bytes on the device for a batch of one row; " + std::to_string(cap_bytes) + " are available",
                  "raise the memory share, or use --device cpu");
  }
}

}  // namespace sluice::dnn::cuda
