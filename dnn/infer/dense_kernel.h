#pragma once
/// The one dense kernel, compiled once for each instruction set (dense_scalar.cpp, dense_avx2.cpp, dense_avx512.cpp,
/// dense_avx512_bf16.cpp). Not installed.
///
/// The paths of a member's rows are the rows of one matrix: row 0's paths, row 1's paths, and so on. A block of them
/// passes through layer after layer, in scratch memory that stays in the second-level cache.

#include <cstddef>

#include "sluice/base/batch.h"
#include "sluice/dnn/infer/dense_layer.h"
#include "sluice/dnn/infer/packed_network.h"

namespace sluice::dnn {

struct DenseFunctions {
  PackedLayout layout;
  void (*forward)(const PackedNetwork& network, BatchView encoded, float* margins) = nullptr;
};

DenseFunctions dense_scalar();
DenseFunctions dense_avx2();
DenseFunctions dense_avx512();
DenseFunctions dense_avx512_bf16();

/// `V` has the members that DenseLayer requires, and: broadcast_float, mul, fma, store, count_at_least, fma_one, and
/// V::Heads, whose `chains` computes many heads as far as it can.
template <class V>
struct DenseKernelOf {
  using Cell = typename V::Cell;
  static constexpr std::size_t kMaxBlock = 96;  // rows of the matrix

  static void embed(const PackedPieces& pieces, std::size_t dimension, float x, float* out) {
    const float* const edges = pieces.edges.template as<float>();
    const std::size_t bin = V::count_at_least(x, edges + 1, pieces.n_edges);
    const float* const at = pieces.values.template as<float>() + bin * 2 * dimension;
    const V distance = V::broadcast_float(x - edges[bin]);
    // Whole vectors: the next values overwrite the surplus.
    for (std::size_t i = 0; i < dimension; i += V::kWidth)
      V::fma(distance, V::load(at + dimension + i), V::load(at + i)).store(out + i);
  }

  /// Its row of an embedding table of `n` floats per row. The encoder's codes are in range. Other codes, and values
  /// that are not numbers, must not read outside the table: too small selects the first row, too large the last, as on
  /// a device.
  static const float* embedding(const std::vector<float>& table, std::size_t n, float code) {
    const std::size_t last = table.size() / n - 1;
    const bool is_inside = code < static_cast<float>(last);
    return table.data() + (code >= 1.0f ? is_inside ? static_cast<std::size_t>(code) : last : 0) * n;
  }

  /// The inputs of a row.
  static void gather(const Encoder& encoder, const PackedMember& packed, const float* encoded, float* x) {
    const Member& member = *packed.member;
    const std::size_t n_dense = encoder.n_dense(), dimension = member.shape.numeric_dimension;
    if (dimension == 0)
      for (std::size_t i = 0; i < n_dense; ++i) *x++ = encoded[i];
    else
      for (std::size_t i = 0; i < n_dense; ++i, x += dimension) embed(packed.numeric[i], dimension, encoded[i], x);
    for (std::size_t c = 0; c < member.embeddings.size(); ++c) {
      const std::size_t n = member.shape.dimensions[c];
      const float* const row = embedding(member.embeddings[c], n, encoded[n_dense + c]);
      for (std::size_t i = 0; i < n; ++i) *x++ = row[i];
    }
    for (std::size_t i = member.n_inputs; i < packed.n_inputs; ++i) *x++ = 0;
  }

  /// One output of a member: its heads; a and b of path k are at k n_outputs.
  struct Output {
    Output(const Member& member, std::size_t of, std::size_t n)
        : index(of),
          n_outputs(n),
          n_paths(member.shape.n_paths),
          n_in(member.head_weight.size() / (n * n_paths)),
          weight(&member.head_weight[of * n_in]),
          bias(&member.head_bias[of]),
          a(&member.a[of]),
          b(&member.b[of]) {}

    std::size_t index, n_outputs, n_paths, n_in;
    const float *weight, *bias, *a, *b;
  };

  /// Where a block begins, and the inputs of its row.
  struct Place {
    std::size_t row = 0, path = 0;
    bool has_inputs = false;
    alignas(64) float inputs[kMaxInputs + Linear::kPad];
  };

  /// The first `n` rows of the matrix from `place` on, in the form that a layer reads.
  template <class To>
  static void expand(const Encoder& encoder, const PackedMember& packed, BatchView encoded, Place& place, std::size_t n,
                     Rows<To> x) {
    for (std::size_t i = 0; i < n; ++i) {
      const float* const row = encoded.data + place.row * encoded.stride;
      if (!place.has_inputs) gather(encoder, packed, row, place.inputs);
      const float* const scale = packed.scale.template as<float>() + place.path * packed.n_inputs;
      const bool is_scaled = packed.member->shape.n_paths > 1;
      for (std::size_t c = 0; c < packed.n_inputs; c += V::kWidth) {
        const V value = V::load(place.inputs + c);
        (is_scaled ? V::mul(V::load(scale + c), value) : value).store(x.row(i) + c);
      }
      place.path = (place.path + 1) % packed.member->shape.n_paths;
      place.has_inputs = place.path > 0;
      if (!place.has_inputs) ++place.row;
    }
  }

  /// Heads of kRows rows of the matrix, the first of them of `path`: parallel chains.
  template <std::size_t kRows>
  static void heads(const Output& output, std::size_t path, Rows<const float> rows, float* out) {
    const std::size_t n_in = output.n_in;
    const float *x[kRows], *weight[kRows];
    for (std::size_t r = 0; r < kRows; ++r, path = path + 1 < output.n_paths ? path + 1 : 0) {
      x[r] = rows.row(r);
      weight[r] = output.weight + path * output.n_outputs * n_in;
      out[r] = output.bias[path * output.n_outputs];
    }
    std::size_t i = 0;
    if constexpr (kRows % 8 == 0) i = V::Heads::template chains<kRows / 8>(x, weight, n_in, out);
    for (; i < n_in; ++i)
      for (std::size_t r = 0; r < kRows; ++r) out[r] = V::fma_one(x[r][i], weight[r][i], out[r]);
  }

  static void all_heads(const Output& output, std::size_t path, Rows<const float> x, std::size_t n, float* out) {
    const std::size_t n_paths = output.n_paths;
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) heads<16>(output, (path + i) % n_paths, {x.row(i), x.stride}, out + i);
    for (; i + 8 <= n; i += 8) heads<8>(output, (path + i) % n_paths, {x.row(i), x.stride}, out + i);
    for (; i + 2 <= n; i += 2) heads<2>(output, (path + i) % n_paths, {x.row(i), x.stride}, out + i);
    if (i < n) heads<1>(output, (path + i) % n_paths, {x.row(i), x.stride}, out + i);
  }

  /// The heads' inputs for the `n` rows of the matrix from `place` on; advances `place`.
  static Rows<const float> trunk(const Encoder& encoder, const PackedMember& packed, BatchView encoded, Place& place,
                                 std::size_t n, float* scratch) {
    const Rows<float> inputs{scratch, packed.input_stride};
    const std::size_t y_stride = packed.layer_stride;
    float* const y[2] = {inputs.row(n), inputs.row(n) + n * y_stride};
    if (packed.layers.empty()) {
      expand(encoder, packed, encoded, place, n, inputs);
      return {inputs.data, inputs.stride};
    }
    Rows<Cell> x{reinterpret_cast<Cell*>(scratch), inputs.stride};
    expand(encoder, packed, encoded, place, n, x);
    const std::size_t last = packed.layers.size() - 1;
    for (std::size_t l = 0; l < last; ++l) {
      const Rows<Cell> to{reinterpret_cast<Cell*>(y[l % 2]), y_stride};
      DenseLayer<V>::apply(packed.layers[l], {x.data, x.stride}, n, to);
      x = to;
    }
    const Rows<float> top{y[last % 2], y_stride};
    DenseLayer<V>::apply(packed.layers[last], {x.data, x.stride}, n, top);
    return {top.data, top.stride};
  }

  /// Adds the heads of `n` rows of the matrix from `row` and `path` on to one output's margins; `sum` is the partial
  /// sum over the paths of a row that the previous block began.
  static void add_paths(const Output& output, BatchView encoded, std::size_t row, std::size_t path,
                        const float* heads_of, std::size_t n, float& sum, float* margins) {
    const float* const forest = encoded.data + encoded.n_columns - output.n_outputs + output.index;
    float paths = sum;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = path * output.n_outputs;
      paths += V::fma_one(output.a[k], forest[row * encoded.stride], output.b[k]) + heads_of[i];
      if (++path < output.n_paths) continue;
      margins[row++ * output.n_outputs + output.index] += paths / static_cast<float>(output.n_paths);
      path = 0, paths = 0;
    }
    sum = paths;
  }

  /// Adds a member's margins.
  static void add_member(const Encoder& encoder, const PackedMember& packed, BatchView encoded, float* scratch,
                         float* margins) {
    const Member& member = *packed.member;
    const std::size_t n_rows = encoded.n_rows * member.shape.n_paths, n_outputs = encoder.n_margins();
    float heads_of[kMaxBlock], sums[kMaxOutputs] = {};
    Place place;
    for (std::size_t first = 0; first < n_rows; first += packed.rows_per_block) {
      const std::size_t n = n_rows - first < packed.rows_per_block ? n_rows - first : packed.rows_per_block;
      const std::size_t row = place.row, path = place.path;
      const Rows<const float> top = trunk(encoder, packed, encoded, place, n, scratch);
      for (std::size_t o = 0; o < n_outputs; ++o) {
        const Output output(member, o, n_outputs);
        all_heads(output, path, top, n, heads_of);
        add_paths(output, encoded, row, path, heads_of, n, sums[o], margins);
      }
    }
  }

  static void forward(const PackedNetwork& network, BatchView encoded, float* margins) {
    alignas(64) float scratch[PackedNetwork::kScratch];
    const std::size_t n = encoded.n_rows * network.network->n_outputs();
    for (std::size_t i = 0; i < n; ++i) margins[i] = 0;
    for (const PackedMember& member : network.members)
      add_member(network.network->encoder(), member, encoded, scratch, margins);
    for (std::size_t i = 0; i < n; ++i) margins[i] /= static_cast<float>(network.members.size());
  }

  static DenseFunctions functions() {
    return {{.panel = V::kPanel, .inputs_per_step = V::kInputsPerStep, .rows_per_block = kMaxBlock}, forward};
  }
};

}  // namespace sluice::dnn
