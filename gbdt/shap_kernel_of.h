#pragma once
/// The kernel of a vector type, for each instruction set's source. Not installed.

#include "sluice/gbdt/shap_heap.h"
#include "sluice/gbdt/shap_walk.h"

namespace sluice::gbdt {

template <class V>
constexpr ShapKernel shap_kernel_of = {
    [](const ShapState& state, std::size_t first, std::size_t last, const std::int32_t* keys, float* phi) {
      if (state.full.trees.empty())
        heap_trees<V>(state, state.shallow, first, last, keys, phi);
      else
        heap_trees<V>(state, state.full, first, last, keys, phi);
    },
    [](const ShapState& state, const ShapTree& tree, const std::int32_t* keys, float* phi, float* scratch) {
      for (std::size_t lane = 0; lane < kBlockRows; lane += V::kWidth)
        shap_walk<V, kBlockRows>(state, tree, keys + lane, phi + lane, scratch);
    },
    [](const ShapState& state, const std::int32_t* keys, const std::uint16_t* left_bits, float* cells) {
      if (state.full.trees.empty())
        heap_row<V>(state, state.shallow, keys, left_bits, cells);
      else
        heap_row<V>(state, state.full, keys, left_bits, cells);
    }};

}  // namespace sluice::gbdt
