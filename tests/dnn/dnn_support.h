#pragma once
/// Random networks and rows, and the simplest forward passes: they read the tensors, not the network's own layout.

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/random.h"
#include "sluice/base/schema.h"
#include "sluice/dnn/executor.h"
#include "sluice/dnn/network.h"

namespace sluice::test {

struct MemberKind {
  std::vector<std::size_t> hidden;
  std::size_t n_paths = 1, numeric_dimension = 0;
  std::size_t n_bins = 0;              // of each dense input; 0: 1 to 6
  std::size_t category_dimension = 0;  // of each category; 0: 2, 3, 4, …
};

struct RandomNetwork {
  Schema schema;
  dnn::Encoder encoder;
  std::vector<dnn::MemberShape> shapes;
  dnn::Tensors tensors;
  std::shared_ptr<const dnn::Network> network;
};

RandomNetwork random_network(const std::vector<MemberKind>& kinds, bool with_categories, std::uint64_t seed,
                             std::size_t n_outputs = 1);
RandomNetwork random_network_of(Schema schema, const std::vector<MemberKind>& kinds, std::uint64_t seed,
                                std::size_t n_outputs = 1);
void add_member(const std::string& name, const MemberKind& kind, Random& random, RandomNetwork& to);
dnn::Tensor random_tensor(std::vector<std::size_t> shape, double deviation, Random& random);

/// Encoded rows: normal inputs, random codes of each category, the margins.
FloatTable random_encoded(const dnn::Encoder& encoder, std::size_t n_rows, std::uint64_t seed);

/// Margins [n_rows, n_outputs], with every output a chain of fused multiply-adds in float32 (executor.h).
std::vector<float> naive_forward(const RandomNetwork& n, BatchView encoded);
/// The same with a layer's inputs and weights rounded to bf16; of each pair of inputs, the second is added first.
std::vector<float> naive_bf16_forward(const RandomNetwork& n, BatchView encoded);
/// Eight significant bits, ties to even, by arithmetic.
float rounded_to_bf16(float x);
/// Margins in double.
std::vector<double> double_forward(const dnn::Encoder& encoder, const std::vector<dnn::MemberShape>& shapes,
                                   const dnn::Tensors& tensors, BatchView encoded);

inline std::vector<std::uint32_t> bits(std::span<const float> values) {
  std::vector<std::uint32_t> out;
  for (const float v : values) out.push_back(std::bit_cast<std::uint32_t>(v));
  return out;
}

}  // namespace sluice::test
