#pragma once
/// A network's weights in the layout that the CPU kernels stream: read from front to back, once per block of rows. Not
/// installed.
///
/// A layer's outputs are split into panels; a panel has its columns for all inputs, in their order. With panels of 64:
///
///     inputs 0 … n-1 of outputs 0 … 63 | inputs 0 … n-1 of outputs 64 … 127 | … | the remaining outputs, at least 16
///
/// Cells are float, or bf16, with which a step uses two inputs and their weights are adjacent. Padding is zero.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "sluice/dnn/network.h"

namespace sluice::dnn {

/// Zeroed bytes, aligned to a cache line.
class AlignedBytes {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size)
      : bytes_(static_cast<std::byte*>(::operator new(size + kAlignment, std::align_val_t{kAlignment}))) {
    std::memset(bytes_.get(), 0, size + kAlignment);
  }

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes_.get());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes_.get());
  }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { ::operator delete(bytes, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
};

/// What a kernel requires of the layout.
struct PackedLayout {
  std::size_t panel = 64;           // outputs per panel; a multiple of Linear::kPad or a divisor of it
  std::size_t inputs_per_step = 1;  // 1: float; 2: bf16
  std::size_t rows_per_block = 1;   // maximum number that pass through a layer together
};

struct PackedLinear {
  std::size_t n_steps = 0;       // inputs, or pairs of them
  std::size_t n_out_padded = 0;  // a multiple of Linear::kPad
  AlignedBytes weight;           // [panels][n_steps][outputs of the panel][inputs of a step]
  AlignedBytes bias;             // float [n_out_padded]
};

/// A bin's values and slopes are adjacent.
struct PackedPieces {
  std::size_t n_edges = 0;  // a multiple of 16: all but the first, then NaN, which no input reaches
  AlignedBytes edges;       // float [1 + n_edges]
  AlignedBytes values;      // float [n_bins][at, slope][dimension]
};

struct PackedMember {
  const Member* member = nullptr;
  std::size_t n_inputs = 0;        // with padding, a multiple of Linear::kPad
  std::size_t input_stride = 0;    // floats from one row of a block to the next, for inputs
  std::size_t layer_stride = 0;    // the same for a hidden layer's outputs
  std::size_t rows_per_block = 1;  // capacity of the scratch memory: inputs and two layers of each
  std::vector<PackedPieces> numeric;
  AlignedBytes scale;  // float [n_paths, n_inputs]
  std::vector<PackedLinear> layers;
};

struct PackedNetwork {
  /// Floats of scratch memory on a kernel's stack, a quarter of a MiB.
  static constexpr std::size_t kScratch = 65536;

  PackedNetwork(std::shared_ptr<const Network> network, const PackedLayout& layout);

  std::shared_ptr<const Network> network;
  std::vector<PackedMember> members;
};

/// Rounded to the nearest, ties to even; values too small for a normal number become zero, as on the processor.
std::uint16_t to_bf16(float x);

}  // namespace sluice::dnn
