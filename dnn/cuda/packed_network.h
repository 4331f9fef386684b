#pragma once
/// A network's tensors in one block, as the kernels read them; uploaded once. Host code only. Not installed.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sluice/dnn/cuda/kernels.h"
#include "sluice/dnn/network.h"

namespace sluice::dnn::cuda {

/// Offsets in `PackedNetwork::floats`.
struct PackedLayer {
  std::size_t weight = 0, bias = 0;  // [n_in padded, weight_stride], [weight_stride]; padding is zero
  std::size_t n_in = 0, n_out = 0, weight_stride = 0;
};

struct PackedMember {
  std::size_t n_inputs = 0, n_paths = 1, n_last = 0;  // n_last: width of the heads' input
  std::size_t sources = 0;                            // its first in `PackedNetwork::sources`
  // Slopes have the layout of the bins' values; tables of categories follow them.
  std::size_t edges = 0, values = 0, slopes = 0;
  std::size_t scale = 0;  // if n_paths > 1
  std::vector<PackedLayer> layers;
  std::size_t head_weight = 0, head_bias = 0, a = 0, b = 0;  // head_weight [n_last, n_paths]
};

struct PackedNetwork {
  std::vector<float> floats;
  std::vector<InputSource> sources;
  std::vector<std::uint32_t> n_paths;  // of each member
  std::vector<PackedMember> members;
  std::size_t n_encoded = 0;
};

PackedNetwork pack(const Network& network);

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

}  // namespace sluice::dnn::cuda
