#pragma once
/// The one dense kernel, compiled once for each instruction set (dense_scalar.cpp, dense_avx2.cpp, dense_avx512.cpp).
/// Not installed.
///
/// A layer computes kRows rows × kVectors vectors of outputs at a time, all in registers:
///
///            outputs j … j+15   j+16 … j+31
///     row 0  [   acc[0][0]    |   acc[0][1]   ]     for i in inputs, in order:
///     row 1  [   acc[1][0]    |   acc[1][1]   ]         acc[r][v] = fma(x[r][i], weight[i][j + 16 v], acc[r][v])
///
/// Each lane is a chain of its own, so the tiling changes no bit.

#include <cstddef>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/dnn/network.h"

namespace sluice::dnn {

using DenseForward = void (*)(const Network& network, BatchView encoded, float* margins);

void dense_forward_scalar(const Network& network, BatchView encoded, float* margins);
void dense_forward_avx2(const Network& network, BatchView encoded, float* margins);
void dense_forward_avx512(const Network& network, BatchView encoded, float* margins);

/// `V` wraps a register: V::kWidth, load, broadcast, store, fma(a, b, c) = a·b + c, relu (NaN stays NaN).
template <class V>
struct DenseKernelOf {
  static constexpr std::size_t kBlock = 4;  // rows that share one read of the weights

  template <std::size_t kRows, std::size_t kVectors>
  static void tile(const Linear& layer, const float* const* x, float* const* y, std::size_t j, bool relu) {
    V acc[kRows][kVectors];
    for (std::size_t v = 0; v < kVectors; ++v)
      for (std::size_t r = 0; r < kRows; ++r) acc[r][v] = V::load(&layer.bias[j + v * V::kWidth]);
    const float* weight = layer.weight.data() + j;
    for (std::size_t i = 0; i < layer.n_in; ++i, weight += layer.n_out_padded) {
      V w[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) w[v] = V::load(weight + v * V::kWidth);
      for (std::size_t r = 0; r < kRows; ++r) {
        const V input = V::broadcast(x[r][i]);
        for (std::size_t v = 0; v < kVectors; ++v) acc[r][v] = V::fma(input, w[v], acc[r][v]);
      }
    }
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t v = 0; v < kVectors; ++v)
        (relu ? V::relu(acc[r][v]) : acc[r][v]).store(y[r] + j + v * V::kWidth);
  }

  template <std::size_t kRows>
  static void apply(const Linear& layer, const float* const* x, float* const* y, bool relu) {
    constexpr std::size_t kWide = kRows == 1 ? 8 : 4, kPerPad = Linear::kPad / V::kWidth;
    std::size_t j = 0;
    for (; j + kWide * V::kWidth <= layer.n_out_padded; j += kWide * V::kWidth)
      tile<kRows, kWide>(layer, x, y, j, relu);
    for (; j < layer.n_out_padded; j += Linear::kPad) tile<kRows, kPerPad>(layer, x, y, j, relu);
  }

  /// Dense inputs, then the embedding of each code. Codes come from the encoder and are in range by construction.
  static void gather(const Encoder& encoder, const Member& member, const float* encoded, float* x) {
    const std::size_t n_dense = encoder.n_dense();
    for (std::size_t i = 0; i < n_dense; ++i) *x++ = encoded[i];
    for (std::size_t c = 0; c < member.embeddings.size(); ++c) {
      const std::size_t dimension = encoder.categories()[c].dimension;
      const float* row = member.embeddings[c].data() + static_cast<std::size_t>(encoded[n_dense + c]) * dimension;
      for (std::size_t i = 0; i < dimension; ++i) *x++ = row[i];
    }
  }

  template <std::size_t kRows>
  static void block(const Network& network, BatchView encoded, float* margins) {
    alignas(64) float buffers[2][kRows][kMaxWidth];
    const Encoder& encoder = network.encoder();
    float sums[kRows] = {};
    for (const Member& member : network.members()) {
      for (std::size_t r = 0; r < kRows; ++r) gather(encoder, member, encoded.row(r).data(), buffers[0][r]);
      std::size_t from = 0;
      for (std::size_t l = 0; l < member.layers.size(); ++l, from ^= 1) {
        const float* x[kRows];
        float* y[kRows];
        for (std::size_t r = 0; r < kRows; ++r) x[r] = buffers[from][r], y[r] = buffers[from ^ 1][r];
        apply<kRows>(member.layers[l], x, y, l + 1 < member.layers.size());
      }
      for (std::size_t r = 0; r < kRows; ++r) {
        const float margin = encoded.row(r)[encoder.n_encoded() - 1];
        sums[r] += V::fma_one(member.a, margin, member.b) + buffers[from][r][0];
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) margins[r] = sums[r] / static_cast<float>(network.members().size());
  }

  static void forward(const Network& network, BatchView encoded, float* margins) {
    std::size_t i = 0;
    for (; i + kBlock <= encoded.n_rows; i += kBlock) block<kBlock>(network, encoded.slice(i, kBlock), margins + i);
    for (; i < encoded.n_rows; ++i) block<1>(network, encoded.slice(i, 1), margins + i);
  }
};

}  // namespace sluice::dnn
