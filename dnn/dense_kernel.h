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
  static constexpr std::size_t kBlock = 4;  // paths that share one read of the weights

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

  static void embed(const Pieces& pieces, std::size_t dimension, float x, float* out) {
    std::size_t bin = 0;
    for (std::size_t e = 1; e < pieces.edges.size(); ++e) bin += x >= pieces.edges[e] ? 1 : 0;
    const float *at = &pieces.at[bin * dimension], *slope = &pieces.slope[bin * dimension];
    const float distance = x - pieces.edges[bin];
    for (std::size_t i = 0; i < dimension; ++i) out[i] = V::fma_one(distance, slope[i], at[i]);
  }

  /// Codes come from the encoder and are in range by construction.
  static void gather(const Encoder& encoder, const Member& member, const float* encoded, float* x) {
    const std::size_t n_dense = encoder.n_dense(), dimension = member.shape.numeric_dimension;
    for (std::size_t i = 0; i < n_dense; ++i) {
      if (dimension == 0) {
        *x++ = encoded[i];
      } else {
        embed(member.numeric[i], dimension, encoded[i], x);
        x += dimension;
      }
    }
    for (std::size_t c = 0; c < member.embeddings.size(); ++c) {
      const std::size_t n = member.shape.dimensions[c];
      const float* row = member.embeddings[c].data() + static_cast<std::size_t>(encoded[n_dense + c]) * n;
      for (std::size_t i = 0; i < n; ++i) *x++ = row[i];
    }
  }

  static float head(const Member& member, std::size_t path, const float* x, float margin) {
    const std::size_t n_in = member.head_weight.size() / member.shape.n_paths;
    const float* weight = &member.head_weight[path * n_in];
    float sum = member.head_bias[path];
    for (std::size_t i = 0; i < n_in; ++i) sum = V::fma_one(x[i], weight[i], sum);
    return V::fma_one(member.a[path], margin, member.b[path]) + sum;
  }

  /// Outputs of `kRows` paths of a row.
  template <std::size_t kRows>
  static void paths(const Member& member, std::size_t first, const float* inputs, float margin, float* out) {
    alignas(64) float scaled[kRows][kMaxInputs], buffers[2][kRows][kMaxWidth];
    const float* x[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      x[r] = inputs;
      if (member.scale.empty()) continue;
      const float* scale = &member.scale[(first + r) * member.n_inputs];
      for (std::size_t i = 0; i < member.n_inputs; ++i) scaled[r][i] = scale[i] * inputs[i];
      x[r] = scaled[r];
    }
    std::size_t to = 0;
    for (const Linear& layer : member.layers) {
      float* y[kRows];
      for (std::size_t r = 0; r < kRows; ++r) y[r] = buffers[to][r];
      apply<kRows>(layer, x, y, true);
      for (std::size_t r = 0; r < kRows; ++r) x[r] = y[r];
      to ^= 1;
    }
    for (std::size_t r = 0; r < kRows; ++r) out[r] = head(member, first + r, x[r], margin);
  }

  static float member_margin(const Encoder& encoder, const Member& member, const float* encoded) {
    alignas(64) float inputs[kMaxInputs];
    gather(encoder, member, encoded, inputs);
    const float margin = encoded[encoder.n_encoded() - 1];
    float outputs[kMaxPaths];
    std::size_t k = 0;
    for (; k + kBlock <= member.shape.n_paths; k += kBlock) paths<kBlock>(member, k, inputs, margin, outputs + k);
    for (; k < member.shape.n_paths; ++k) paths<1>(member, k, inputs, margin, outputs + k);
    float sum = 0;
    for (k = 0; k < member.shape.n_paths; ++k) sum += outputs[k];
    return sum / static_cast<float>(member.shape.n_paths);
  }

  static void forward(const Network& network, BatchView encoded, float* margins) {
    for (std::size_t i = 0; i < encoded.n_rows; ++i) {
      float sum = 0;
      for (const Member& member : network.members())
        sum += member_margin(network.encoder(), member, encoded.row(i).data());
      margins[i] = sum / static_cast<float>(network.members().size());
    }
  }
};

}  // namespace sluice::dnn
