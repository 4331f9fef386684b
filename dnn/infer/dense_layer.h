#pragma once
/// One layer of the dense kernel, compiled once for each instruction set. Not installed.
///
/// A tile is some rows by one panel of outputs, all in registers:
///
///            outputs j … j+15   j+16 … j+31
///     row 0  [   acc[0][0]    |   acc[0][1]   ]     for i in inputs, in order:
///     row 1  [   acc[1][0]    |   acc[1][1]   ]         acc[r][v] = fma(x[r][i], weight[i][j + 16 v], acc[r][v])
///
/// Each lane is a separate chain, so the tiling changes no bit. A single row uses several panels at once; otherwise
/// there would be fewer chains than the cycles of a fused multiply-add.

#include <cstddef>

#include "sluice/dnn/infer/packed_network.h"

namespace sluice::dnn {

/// Rows of cells, `stride` apart.
template <class Cell>
struct Rows {
  Cell* data = nullptr;
  std::size_t stride = 0;

  Cell* row(std::size_t i) const { return data + i * stride; }
};

/// `V` wraps a register of V::kWidth floats; V::Cell is the type of stored weights and activations. A step uses
/// V::kInputsPerStep inputs: `broadcast` reads them, `weight` reads their weights, `step` multiplies and adds.
template <class V>
struct DenseLayer {
  using Cell = typename V::Cell;
  static constexpr std::size_t kStep = V::kInputsPerStep, kPerPanel = V::kPanel / V::kWidth;

  template <std::size_t kRows, std::size_t kVectors, class To>
  static void tile(const PackedLinear& layer, std::size_t j, Rows<const Cell> x, Rows<To> y) {
    constexpr std::size_t kInPanel = kVectors < kPerPanel ? kVectors : kPerPanel, kPitch = kInPanel * V::kWidth * kStep;
    const float* const bias = layer.bias.as<float>() + j;
    V acc[kRows][kVectors];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) acc[r][v] = V::load(bias + v * V::kWidth);
    const std::size_t n_steps = layer.n_steps;
    const Cell* weight = layer.weight.as<Cell>() + j * n_steps * kStep;
    for (std::size_t s = 0; s < n_steps; ++s, weight += kPitch) {
      V w[kVectors];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v)
        w[v] = V::weight(weight + v / kInPanel * n_steps * kPitch + v % kInPanel * V::kWidth * kStep);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        const V input = V::broadcast(x.row(r) + s * kStep);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) acc[r][v] = V::step(input, w[v], acc[r][v]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) V::relu(acc[r][v]).store(y.row(r) + j + v * V::kWidth);
  }

  /// The tile for `rows` of at most kRows and `vectors` of at most kVectors.
  template <std::size_t kRows, std::size_t kVectors, class To>
  static void tile_of(std::size_t rows, std::size_t vectors, const PackedLinear& layer, std::size_t j,
                      Rows<const Cell> x, Rows<To> y) {
    if constexpr (kRows > 1)
      if (rows < kRows) return tile_of<kRows - 1, kVectors>(rows, vectors, layer, j, x, y);
    if constexpr (kVectors > Linear::kPad / V::kWidth && kVectors > 1)
      if (vectors < kVectors) return tile_of<kRows, kVectors - 1>(rows, vectors, layer, j, x, y);
    tile<kRows, kVectors>(layer, j, x, y);
  }

  /// y = relu(x W + b) of `n` rows. Tiles of a panel have similar sizes: few rows alone would wait for the weights.
  template <class To>
  static void apply(const PackedLinear& layer, Rows<const Cell> x, std::size_t n, Rows<To> y) {
    std::size_t j = 0;
    for (; n == 1 && j + V::kOneRow * V::kWidth <= layer.n_out_padded; j += V::kOneRow * V::kWidth)
      tile<1, V::kOneRow>(layer, j, x, y);
    for (; j < layer.n_out_padded; j += V::kPanel) {
      const std::size_t n_columns = layer.n_out_padded - j < V::kPanel ? layer.n_out_padded - j : V::kPanel;
      for (std::size_t row = 0; row < n;) {
        const std::size_t n_tiles = (n - row + V::kRows - 1) / V::kRows, n_rows = (n - row + n_tiles - 1) / n_tiles;
        tile_of<V::kRows, kPerPanel>(n_rows, n_columns / V::kWidth, layer, j, Rows<const Cell>{x.row(row), x.stride},
                                     Rows<To>{y.row(row), y.stride});
        row += n_rows;
      }
    }
  }
};

}  // namespace sluice::dnn
