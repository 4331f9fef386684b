#pragma once
/// The kernels of one instruction set; shap_scalar.cpp, shap_avx2.cpp and shap_avx512.cpp each make one. All give the
/// same bits, because every lane does the same float operations. Not installed.

#include "sluice/gbdt/shap/shap_state.h"

namespace sluice::gbdt {

struct ShapKernel {
  /// Adds the heaps [first, last) to phi [n_slots][kBlockRows]; keys [n_columns][kBlockRows].
  void (*heaps)(const ShapState& state, std::size_t first, std::size_t last, const std::int32_t* keys, float* phi);
  /// Adds one tree by a walk. `scratch` has deep_scratch floats.
  void (*walk)(const ShapState& state, const ShapTree& tree, const std::int32_t* keys, float* phi, float* scratch);
  /// The contributions of all heaps to one row, [group][node in order of adding][16]; ShapState::cells has the places.
  /// If `left_bits` (binned_kernel.h) is given, it replaces the keys.
  void (*row)(const ShapState& state, const std::int32_t* keys, const std::uint16_t* left_bits, float* cells);
};

const ShapKernel& shap_kernel_scalar();
const ShapKernel& shap_kernel_avx2();
const ShapKernel& shap_kernel_avx512();

/// A feature forced into or out of every coalition, for interactions.
struct Held {
  std::uint32_t feature;
  bool in;
};

/// Adds one tree's values in double, one row at a time: keys [n_columns], phi [n_slots].
void shap_walk_double(const ShapState& state, const ShapTree& tree, const std::int32_t* keys, double* phi,
                      double* scratch, const Held* held = nullptr);

/// Floats or doubles of scratch that a walk needs, for `width` rows in parallel.
inline std::size_t deep_scratch(const ShapState& state, std::size_t width) {
  return (state.max_depth + 2) * state.max_points * (3 * width + 3) + 16;
}

}  // namespace sluice::gbdt
