#include "sluice/dnn/infer/packed_network.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace sluice::dnn {
namespace {

constexpr std::size_t kSlack = 16;  // floats between rows: rows a power of two apart share few cache lines

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

void put(float x, float* to) { *to = x; }
void put(float x, std::uint16_t* to) { *to = to_bf16(x); }

template <class Cell>
AlignedBytes pack_weight(const Linear& linear, const PackedLayout& layout, std::size_t n_steps) {
  const std::size_t per_step = layout.inputs_per_step;
  AlignedBytes weight(n_steps * per_step * linear.n_out_padded * sizeof(Cell));
  for (std::size_t first = 0; first < linear.n_out_padded; first += layout.panel) {
    const std::size_t n_columns = std::min(layout.panel, linear.n_out_padded - first);
    Cell* const panel = weight.as<Cell>() + first * n_steps * per_step;
    for (std::size_t i = 0; i < linear.n_in; ++i)
      for (std::size_t o = 0; o < n_columns; ++o)
        put(linear.weight[i * linear.n_out_padded + first + o],
            panel + (i / per_step * n_columns + o) * per_step + i % per_step);
  }
  return weight;
}

PackedLinear pack(const Linear& linear, const PackedLayout& layout) {
  PackedLinear packed;
  packed.n_steps = (linear.n_in + layout.inputs_per_step - 1) / layout.inputs_per_step;
  packed.n_out_padded = linear.n_out_padded;
  packed.weight = layout.inputs_per_step == 1 ? pack_weight<float>(linear, layout, packed.n_steps)
                                              : pack_weight<std::uint16_t>(linear, layout, packed.n_steps);
  packed.bias = AlignedBytes(linear.n_out_padded * sizeof(float));
  std::copy(linear.bias.begin(), linear.bias.end(), packed.bias.as<float>());
  return packed;
}

PackedPieces pack(const Pieces& pieces, std::size_t dimension) {
  const std::size_t n_bins = pieces.edges.size();
  PackedPieces packed{.n_edges = round_up(n_bins - 1, Linear::kPad)};
  packed.edges = AlignedBytes((1 + packed.n_edges) * sizeof(float));
  float* const edges = packed.edges.as<float>();
  std::fill(edges, edges + 1 + packed.n_edges, std::numeric_limits<float>::quiet_NaN());
  std::copy(pieces.edges.begin(), pieces.edges.end(), edges);
  packed.values = AlignedBytes((n_bins * 2 * dimension + Linear::kPad) * sizeof(float));  // vectors read past the end
  float* values = packed.values.as<float>();
  for (std::size_t bin = 0; bin < n_bins; ++bin)
    for (const auto* of : {&pieces.at, &pieces.slope})
      values = std::copy_n(of->begin() + static_cast<std::ptrdiff_t>(bin * dimension), dimension, values);
  return packed;
}

PackedMember pack(const Member& member, const PackedLayout& layout) {
  PackedMember packed{.member = &member, .n_inputs = round_up(member.n_inputs, Linear::kPad)};
  for (const Pieces& pieces : member.numeric) packed.numeric.push_back(pack(pieces, member.shape.numeric_dimension));
  if (!member.scale.empty()) {
    packed.scale = AlignedBytes(member.shape.n_paths * packed.n_inputs * sizeof(float));
    for (std::size_t k = 0; k < member.shape.n_paths; ++k)
      std::copy_n(member.scale.begin() + static_cast<std::ptrdiff_t>(k * member.n_inputs), member.n_inputs,
                  packed.scale.as<float>() + k * packed.n_inputs);
  }
  for (const Linear& linear : member.layers) {
    packed.layers.push_back(pack(linear, layout));
    packed.layer_stride = std::max(packed.layer_stride, linear.n_out_padded + kSlack);
  }
  packed.input_stride = packed.n_inputs + kSlack;
  const std::size_t per_row = packed.input_stride + 2 * packed.layer_stride;
  packed.rows_per_block = std::clamp<std::size_t>(PackedNetwork::kScratch / per_row, 1, layout.rows_per_block);
  return packed;
}

}  // namespace

PackedNetwork::PackedNetwork(std::shared_ptr<const Network> of, const PackedLayout& layout) : network(std::move(of)) {
  for (const Member& member : network->members()) members.push_back(pack(member, layout));
}

std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  if (std::fpclassify(x) == FP_SUBNORMAL) return static_cast<std::uint16_t>(bits >> 31 << 15);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace sluice::dnn
