#pragma once
/// The launches of a forward pass, in the order of operations that network.h specifies. Not installed.
///
/// A pair is a row and one of a member's paths; pair = row x n_paths + path. Activations are stored input by input, so
/// that neighbouring threads read neighbouring pairs:
///
///                pair 0   pair 1   …   pair stride-1
///     input 0  [   .    |   .    | … |     .        ]     stride: pairs rounded up to kPairPad
///     input 1  [   .    |   .    | … |     .        ]     inputs: rounded up to kInputPad
///
/// The padding is computed but never read back: no kernel has to check a bound inside its loops.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace sluice::dnn::cuda {

inline constexpr std::size_t kPairPad = 128;   // the widest tile of layer_kernel.cu
inline constexpr std::size_t kInputPad = 128;  // its widest tile of outputs, and a multiple of every depth

/// The source of one input of a trunk: a cell as it is, the value of its bin, or its code's row of a table.
struct InputSource {
  std::uint64_t values = 0;   // offset of its first bin's or code's value in the member's values
  std::uint32_t column = 0;   // of the encoded row
  std::uint32_t step = 0;     // distance from one bin's or code's value to the next
  std::uint32_t n_bins = 0;   // above 0: piecewise linear
  std::uint32_t edges = 0;    // offset of its edges
  std::uint32_t n_codes = 0;  // above 0: a category
};

/// Writes x [n_inputs, stride]: embedded, and scaled if there is a scale.
struct InputsLaunch {
  const float* encoded;
  std::size_t n_encoded, n_rows;
  const InputSource* sources;
  const float *edges, *values, *slopes;
  const float* scale;  // [n_paths, n_inputs], or null
  std::size_t n_inputs, n_paths;
  float* x;
  std::size_t stride;
};

/// y [n_out, stride] = relu(bias + weight x).
struct LayerLaunch {
  const float *x, *weight, *bias;  // weight [n_in, weight_stride]
  float* y;
  std::size_t n_in, n_out, weight_stride, n_pairs, stride;
};

/// outputs [n_pairs] = (a m + b) + head.
struct HeadLaunch {
  const float* x;
  const float* encoded;
  const float *weight, *bias, *a, *b;  // weight [n_in, n_paths]
  std::size_t n_in, n_paths, n_pairs, stride, n_encoded;
  float* outputs;
};

/// margins [n_rows]: means over the paths of each member, and over members. Member k's outputs follow those of the
/// paths before it.
struct MeanLaunch {
  const float* outputs;
  const std::uint32_t* n_paths;  // of each member, on the device
  std::size_t n_members, n_rows;
  float* margins;
};

cudaError_t launch(const InputsLaunch& work, cudaStream_t stream);
/// Uses the largest tile that gives every one of `n_processors` a block. The choice changes no bit.
cudaError_t launch(const LayerLaunch& work, std::size_t n_processors, cudaStream_t stream);
cudaError_t launch(const HeadLaunch& work, cudaStream_t stream);
cudaError_t launch(const MeanLaunch& work, cudaStream_t stream);

}  // namespace sluice::dnn::cuda
