#include "dnn_support.h"

#include <algorithm>
#include <cmath>

namespace sluice::test {
namespace {

/// One member's margin for one row, with T's arithmetic: `fma` is the fused step of T.
template <class T, class Fma>
T member_margin(const dnn::Encoder& encoder, const dnn::Tensors& tensors, std::size_t k, std::size_t n_hidden,
                std::span<const float> encoded, Fma fma) {
  const std::string member = "member." + std::to_string(k);
  std::vector<T> x(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(encoder.n_dense()));
  for (std::size_t c = 0; c < encoder.categories().size(); ++c) {
    const auto& table = tensors.at(member + ".embedding." + std::to_string(c));
    const auto code = static_cast<std::size_t>(encoded[encoder.n_dense() + c]);
    for (std::size_t d = 0; d < table.shape[1]; ++d) x.push_back(table.values[code * table.shape[1] + d]);
  }
  for (std::size_t l = 0; l <= n_hidden; ++l) {
    const std::string layer = member + ".layer." + std::to_string(l);
    const auto &weight = tensors.at(layer + ".weight"), &bias = tensors.at(layer + ".bias");
    std::vector<T> y;
    for (std::size_t o = 0; o < weight.shape[0]; ++o) {
      T sum = bias.values[o];
      for (std::size_t i = 0; i < x.size(); ++i) sum = fma(x[i], static_cast<T>(weight.values[o * x.size() + i]), sum);
      y.push_back(l < n_hidden && sum < 0 ? T{0} : sum);
    }
    x = std::move(y);
  }
  return fma(static_cast<T>(tensors.at(member + ".a").values[0]), static_cast<T>(encoded.back()),
             static_cast<T>(tensors.at(member + ".b").values[0])) +
         x[0];
}

std::size_t n_members(const dnn::Tensors& tensors) {
  std::size_t n = 0;
  while (tensors.contains("member." + std::to_string(n) + ".a")) ++n;
  return n;
}

}  // namespace

dnn::Tensor random_tensor(std::vector<std::size_t> shape, double deviation, Random& random) {
  dnn::Tensor tensor{std::move(shape), {}};
  std::size_t size = 1;
  for (const std::size_t n : tensor.shape) size *= n;
  for (std::size_t i = 0; i < size; ++i) tensor.values.push_back(static_cast<float>(random.normal() * deviation));
  return tensor;
}

RandomNetwork random_network(const NetworkShape& shape, std::uint64_t seed) {
  RandomNetwork made;
  made.shape = shape;
  std::vector<Column> columns = {{.name = "x"}, {.name = "y"}};
  if (shape.with_categories) {
    columns.push_back({.name = "word", .kind = Kind::category, .vocabulary = {"a", "b", "c"}});
    columns.push_back({.name = "z"});
    columns.push_back({.name = "place", .kind = Kind::category, .vocabulary = {"here", "there"}});
  }
  made.schema = Schema(columns);
  Random random(seed);
  Table rows(made.schema.size(), 200);
  std::vector<dnn::StagedMargins> staged(200);
  for (std::size_t i = 0; i < 200; ++i) {
    for (std::size_t c = 0; c < made.schema.size(); ++c)
      rows.row(i)[c] = made.schema[c].kind == Kind::category ? static_cast<double>(random.below(2))
                       : random.below(9) == 0                ? std::nan("")
                                                             : random.normal();
    for (float& m : staged[i]) m = static_cast<float>(random.normal());
  }
  made.encoder = dnn::Encoder::fit(made.schema, rows.view(), staged);
  std::size_t n_inputs = made.encoder.n_dense();
  for (const auto& category : made.encoder.categories()) n_inputs += category.dimension;
  for (std::size_t k = 0; k < shape.n_members; ++k) {
    const std::string member = "member." + std::to_string(k);
    made.tensors[member + ".a"] = random_tensor({1}, 1, random);
    made.tensors[member + ".b"] = random_tensor({1}, 1, random);
    for (std::size_t c = 0; c < made.encoder.categories().size(); ++c)
      made.tensors[member + ".embedding." + std::to_string(c)] = random_tensor(
          {made.encoder.categories()[c].n_words + 2, made.encoder.categories()[c].dimension}, 0.5, random);
    std::size_t n_in = n_inputs;
    for (std::size_t l = 0; l <= shape.hidden.size(); ++l) {
      const std::size_t n_out = l < shape.hidden.size() ? shape.hidden[l] : 1;
      made.tensors[member + ".layer." + std::to_string(l) + ".weight"] =
          random_tensor({n_out, n_in}, std::sqrt(2.0 / static_cast<double>(n_in)), random);
      made.tensors[member + ".layer." + std::to_string(l) + ".bias"] = random_tensor({n_out}, 0.3, random);
      n_in = n_out;
    }
  }
  made.network = std::make_shared<dnn::Network>(made.encoder, shape.hidden, made.tensors, "random");
  return made;
}

FloatTable random_encoded(const dnn::Encoder& encoder, std::size_t n_rows, std::uint64_t seed) {
  Random random(seed);
  FloatTable encoded(encoder.n_encoded(), n_rows);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const auto row = encoded.row(i);
    for (float& x : row) x = static_cast<float>(random.normal());
    for (std::size_t c = 0; c < encoder.categories().size(); ++c)
      row[encoder.n_dense() + c] = static_cast<float>(random.below(encoder.categories()[c].n_words + 2));
  }
  return encoded;
}

std::vector<float> naive_forward(const RandomNetwork& n, BatchView encoded) {
  std::vector<float> margins;
  for (std::size_t i = 0; i < encoded.n_rows; ++i) {
    float sum = 0;
    for (std::size_t k = 0; k < n.shape.n_members; ++k)
      sum += member_margin<float>(n.encoder, n.tensors, k, n.shape.hidden.size(), encoded.row(i),
                                  [](float a, float b, float c) { return std::fma(a, b, c); });
    margins.push_back(sum / static_cast<float>(n.shape.n_members));
  }
  return margins;
}

std::vector<double> double_forward(const dnn::Encoder& encoder, const dnn::Tensors& tensors, std::size_t n_hidden,
                                   BatchView encoded) {
  std::vector<double> margins;
  const std::size_t n = n_members(tensors);
  for (std::size_t i = 0; i < encoded.n_rows; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k)
      sum += member_margin<double>(encoder, tensors, k, n_hidden, encoded.row(i),
                                   [](double a, double b, double c) { return a * b + c; });
    margins.push_back(sum / static_cast<double>(n));
  }
  return margins;
}

}  // namespace sluice::test
