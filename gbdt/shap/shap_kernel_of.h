#pragma once
/// The kernel of a vector type, for each instruction set's source. Not installed.

#include "sluice/gbdt/shap/shap_heap.h"
#include "sluice/gbdt/shap/shap_walk.h"

namespace sluice::gbdt {

template <class V, int kDepth>
void heap_trees(const ShapState& state, const HeapForest<kDepth>& forest, std::size_t first, std::size_t last,
                const std::int32_t* keys, float* phi) {
  using Source = HeapRows<V, kDepth>;
  const Quadrature& points = state.quadratures[kDepth / 2];
  for (std::size_t i = first; i < last; ++i) {
    const RowUnit<kDepth>* units = &forest.row_units[i * kUnits<kDepth>];
    const HeapRepeat<kDepth>* repeats = forest.trees[i].repeats.data();
    for (std::size_t lane = 0; lane < kBlockRows; lane += V::kWidth)
      HeapWalk<V, kDepth, Source>::run(
          {units + kUnits<kDepth> - 1, repeats, forest.repeat_bottoms.data(), keys + lane, phi + lane}, units, points);
  }
}

template <class Source, class V, int kDepth>
void heap_row_from(const ShapState& state, const HeapForest<kDepth>& forest, const std::int32_t* keys,
                   const std::uint16_t* left_bits, float* cells) {
  const Quadrature& points = state.quadratures[kDepth / 2];
  for (std::size_t i = 0; i < forest.n_lane_groups(); ++i, cells += HeapShape<kDepth>::kNodes * kTreeLanes) {
    const LaneUnit<kDepth>* units = &forest.lane_units[i * kUnits<kDepth>];
    const LaneRepeat<kDepth>* repeats = forest.lane_repeats[i].data();
    const std::uint16_t* bits = left_bits == nullptr ? nullptr : left_bits + 64 * i;
    for (std::size_t lane = 0; lane < kTreeLanes; lane += V::kWidth)
      HeapWalk<V, kDepth, Source>::run({units + kUnits<kDepth> - 1, repeats, lane, keys, bits, cells, 0}, units,
                                       points);
  }
}

template <class V, int kDepth>
void heap_row(const ShapState& state, const HeapForest<kDepth>& forest, const std::int32_t* keys,
              const std::uint16_t* left_bits, float* cells) {
  if (left_bits != nullptr)
    heap_row_from<HeapLanes<V, kDepth, true>, V>(state, forest, keys, left_bits, cells);
  else
    heap_row_from<HeapLanes<V, kDepth, false>, V>(state, forest, keys, left_bits, cells);
}

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
