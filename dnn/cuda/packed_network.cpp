#include "sluice/dnn/cuda/packed_network.h"

#include <algorithm>

namespace sluice::dnn::cuda {
namespace {

class Packer {
 public:
  explicit Packer(PackedNetwork& to) : to_(to) {}

  PackedMember member(const Encoder& encoder, const Member& from) {
    PackedMember out{.n_inputs = from.n_inputs, .n_paths = from.shape.n_paths};
    inputs(encoder, from, out);
    if (!from.scale.empty()) out.scale = append(from.scale);
    for (const Linear& linear : from.layers) out.layers.push_back(layer(linear));
    out.n_last = from.head_weight.size() / out.n_paths;
    out.head_weight = reserve(from.head_weight.size());
    for (std::size_t path = 0; path < out.n_paths; ++path)
      for (std::size_t i = 0; i < out.n_last; ++i)
        to_.floats[out.head_weight + i * out.n_paths + path] = from.head_weight[path * out.n_last + i];
    out.head_bias = append(from.head_bias);
    out.a = append(from.a);
    out.b = append(from.b);
    return out;
  }

 private:
  /// Blocks begin at multiples of 256 bytes, as with cudaMalloc: vector loads and copies of 16 bytes are aligned.
  std::size_t reserve(std::size_t n) {
    const std::size_t at = round_up(to_.floats.size(), 64);
    to_.floats.resize(at + n);
    return at;
  }
  std::size_t append(const std::vector<float>& values) {
    const std::size_t at = reserve(values.size());
    std::copy(values.begin(), values.end(), to_.floats.begin() + static_cast<std::ptrdiff_t>(at));
    return at;
  }

  void inputs(const Encoder& encoder, const Member& from, PackedMember& out) {
    out.sources = to_.sources.size();
    std::vector<float> edges, values, slopes;
    const std::size_t dimension = from.shape.numeric_dimension;
    for (std::size_t i = 0; i < encoder.n_dense(); ++i) {
      InputSource source{.column = static_cast<std::uint32_t>(i)};
      if (dimension == 0) {
        to_.sources.push_back(source);
        continue;
      }
      const Pieces& pieces = from.numeric[i];
      source.n_bins = static_cast<std::uint32_t>(pieces.edges.size());
      source.step = static_cast<std::uint32_t>(dimension);
      source.edges = static_cast<std::uint32_t>(edges.size());
      for (source.values = values.size(); source.values < values.size() + dimension; ++source.values)
        to_.sources.push_back(source);
      edges.insert(edges.end(), pieces.edges.begin(), pieces.edges.end());
      values.insert(values.end(), pieces.at.begin(), pieces.at.end());
      slopes.insert(slopes.end(), pieces.slope.begin(), pieces.slope.end());
    }
    for (std::size_t c = 0; c < from.embeddings.size(); ++c) {
      const std::size_t n = from.shape.dimensions[c];
      InputSource source{.column = static_cast<std::uint32_t>(encoder.n_dense() + c),
                         .step = static_cast<std::uint32_t>(n),
                         .n_codes = static_cast<std::uint32_t>(from.embeddings[c].size() / n)};
      for (source.values = values.size(); source.values < values.size() + n; ++source.values)
        to_.sources.push_back(source);
      values.insert(values.end(), from.embeddings[c].begin(), from.embeddings[c].end());
    }
    out.edges = append(edges);
    out.values = append(values);
    out.slopes = append(slopes);
  }

  PackedLayer layer(const Linear& from) {
    PackedLayer out{.n_in = from.n_in, .n_out = from.n_out, .weight_stride = round_up(from.n_out, kInputPad)};
    out.weight = reserve(round_up(from.n_in, kInputPad) * out.weight_stride);
    for (std::size_t i = 0; i < from.n_in; ++i)
      std::copy_n(&from.weight[i * from.n_out_padded], from.n_out, &to_.floats[out.weight + i * out.weight_stride]);
    out.bias = reserve(out.weight_stride);
    std::copy_n(from.bias.begin(), from.n_out, to_.floats.begin() + static_cast<std::ptrdiff_t>(out.bias));
    return out;
  }

  PackedNetwork& to_;
};

}  // namespace

PackedNetwork pack(const Network& network) {
  PackedNetwork packed;
  packed.n_encoded = network.encoder().n_encoded();
  Packer packer(packed);
  for (const Member& member : network.members()) {
    packed.members.push_back(packer.member(network.encoder(), member));
    packed.n_paths.push_back(static_cast<std::uint32_t>(member.shape.n_paths));
  }
  return packed;
}

}  // namespace sluice::dnn::cuda
