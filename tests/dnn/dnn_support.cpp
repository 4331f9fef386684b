#include "dnn_support.h"

#include <algorithm>
#include <cmath>

namespace sluice::test {
namespace {

/// The forward pass of one network, with T's arithmetic: `fma` is T's fused operation; with `is_bf16`, layers are as in
/// naive_bf16_forward.
template <class T, class Fma>
class Naive {
 public:
  Naive(const dnn::Encoder& encoder, const std::vector<dnn::MemberShape>& shapes, const dnn::Tensors& tensors, Fma fma,
        bool is_bf16 = false)
      : encoder_(encoder), shapes_(shapes), tensors_(tensors), fma_(fma), is_bf16_(is_bf16) {}

  std::vector<T> operator()(std::span<const float> encoded) const {
    std::vector<T> margins;
    for (std::size_t output = 0; output < encoder_.n_margins(); ++output) {
      T sum = 0;
      for (std::size_t k = 0; k < shapes_.size(); ++k) sum += member(k, output, encoded);
      margins.push_back(sum / static_cast<T>(shapes_.size()));
    }
    return margins;
  }

 private:
  const std::vector<float>& values(const std::string& name) const { return tensors_.at(name).values; }

  std::vector<T> inputs(std::size_t k, std::span<const float> encoded) const {
    const std::string name = "member." + std::to_string(k);
    const std::size_t d = shapes_[k].numeric_dimension;
    std::vector<T> x;
    std::size_t first = 0;  // bin of the input
    for (std::size_t i = 0; i < encoder_.n_dense(); ++i) {
      if (d == 0) {
        x.push_back(encoded[i]);
        continue;
      }
      const auto &edges = values(name + ".numeric.edges"), &at = values(name + ".numeric.at"),
                 &slope = values(name + ".numeric.slope");
      std::size_t bin = first;
      while (bin + 1 < first + shapes_[k].n_bins[i] && encoded[i] >= edges[bin + 1]) ++bin;
      const T distance = static_cast<T>(encoded[i]) - static_cast<T>(edges[bin]);
      for (std::size_t j = 0; j < d; ++j)
        x.push_back(fma_(distance, static_cast<T>(slope[bin * d + j]), static_cast<T>(at[bin * d + j])));
      first += shapes_[k].n_bins[i];
    }
    for (std::size_t c = 0; c < encoder_.categories().size(); ++c) {
      const auto& table = tensors_.at(name + ".embedding." + std::to_string(c));
      const auto code = static_cast<std::size_t>(encoded[encoder_.n_dense() + c]);
      for (std::size_t j = 0; j < table.shape[1]; ++j) x.push_back(table.values[code * table.shape[1] + j]);
    }
    return x;
  }

  std::vector<T> linear(const std::string& name, const std::vector<T>& x) const {
    const auto &weight = tensors_.at(name + ".weight"), &bias = tensors_.at(name + ".bias");
    std::vector<T> y;
    for (std::size_t o = 0; o < weight.shape[0]; ++o) {
      T sum = bias.values[o];
      for (std::size_t k = 0; k < x.size() + x.size() % 2; ++k) {
        const std::size_t i = is_bf16_ ? k ^ 1 : k;
        if (i >= x.size()) continue;
        const float w = weight.values[o * x.size() + i];
        sum = is_bf16_ ? fma_(rounded_to_bf16(static_cast<float>(x[i])), rounded_to_bf16(w), sum)
                       : fma_(x[i], static_cast<T>(w), sum);
      }
      y.push_back(sum < 0 ? T{0} : sum);
    }
    return y;
  }

  T member(std::size_t k, std::size_t output, std::span<const float> encoded) const {
    const std::string name = "member." + std::to_string(k);
    const std::size_t n_outputs = encoder_.n_margins();
    const float margin = encoded[encoded.size() - n_outputs + output];
    const std::vector<T> common = inputs(k, encoded);
    T sum = 0;
    for (std::size_t path = 0; path < shapes_[k].n_paths; ++path) {
      std::vector<T> x = common;
      for (std::size_t i = 0; shapes_[k].n_paths > 1 && i < x.size(); ++i)
        x[i] = static_cast<T>(values(name + ".scale")[path * x.size() + i]) * x[i];
      for (std::size_t l = 0; l < shapes_[k].hidden.size(); ++l) x = linear(name + ".layer." + std::to_string(l), x);
      const std::size_t at = path * n_outputs + output;
      T head = values(name + ".head.bias")[at];
      for (std::size_t i = 0; i < x.size(); ++i)
        head = fma_(x[i], static_cast<T>(values(name + ".head.weight")[at * x.size() + i]), head);
      sum += fma_(static_cast<T>(values(name + ".a")[at]), static_cast<T>(margin),
                  static_cast<T>(values(name + ".b")[at])) +
             head;
    }
    return sum / static_cast<T>(shapes_[k].n_paths);
  }

  const dnn::Encoder& encoder_;
  const std::vector<dnn::MemberShape>& shapes_;
  const dnn::Tensors& tensors_;
  Fma fma_;
  bool is_bf16_;
};

std::vector<float> float_forward(const RandomNetwork& n, BatchView encoded, bool is_bf16) {
  const Naive<float, float (*)(float, float, float)> naive(
      n.encoder, n.shapes, n.tensors, [](float a, float b, float c) { return std::fma(a, b, c); }, is_bf16);
  std::vector<float> margins;
  for (std::size_t i = 0; i < encoded.n_rows; ++i)
    for (const auto margin : naive(encoded.row(i))) margins.push_back(margin);
  return margins;
}

}  // namespace

float rounded_to_bf16(float x) {
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(x), &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8));
}

dnn::Tensor random_tensor(std::vector<std::size_t> shape, double deviation, Random& random) {
  dnn::Tensor tensor{std::move(shape), {}};
  std::size_t size = 1;
  for (const std::size_t n : tensor.shape) size *= n;
  for (std::size_t i = 0; i < size; ++i) tensor.values.push_back(static_cast<float>(random.normal() * deviation));
  return tensor;
}

RandomNetwork random_network(const std::vector<MemberKind>& kinds, bool with_categories, std::uint64_t seed,
                             std::size_t n_outputs) {
  std::vector<Column> columns = {{.name = "x"}, {.name = "y"}};
  if (with_categories) {
    columns.push_back({.name = "word", .kind = Kind::category, .vocabulary = {"a", "b", "c"}});
    columns.push_back({.name = "z"});
    columns.push_back({.name = "place", .kind = Kind::category, .vocabulary = {"here", "there"}});
  }
  return random_network_of(Schema(columns), kinds, seed, n_outputs);
}

RandomNetwork random_network_of(Schema schema, const std::vector<MemberKind>& kinds, std::uint64_t seed,
                                std::size_t n_outputs) {
  RandomNetwork made;
  made.schema = std::move(schema);
  Random random(seed);
  Table rows(made.schema.size(), 200);
  FloatTable staged(dnn::kTreePrefixes.size() * n_outputs, 200);
  for (std::size_t i = 0; i < 200; ++i) {
    for (std::size_t c = 0; c < made.schema.size(); ++c)
      rows.row(i)[c] = made.schema[c].kind == Kind::category ? static_cast<double>(random.below(2))
                       : random.below(9) == 0                ? std::nan("")
                                                             : random.normal();
    for (float& m : staged.row(i)) m = static_cast<float>(random.normal());
  }
  made.encoder = dnn::Encoder::fit(made.schema, rows.view(), staged.view());
  for (const MemberKind& kind : kinds) add_member("member." + std::to_string(made.shapes.size()), kind, random, made);
  made.network = std::make_shared<dnn::Network>(made.encoder, made.shapes, made.tensors, "random");
  return made;
}

void add_member(const std::string& name, const MemberKind& kind, Random& random, RandomNetwork& to) {
  dnn::MemberShape shape{.hidden = kind.hidden, .n_paths = kind.n_paths, .numeric_dimension = kind.numeric_dimension};
  std::size_t n_in = to.encoder.n_dense() * std::max<std::size_t>(1, kind.numeric_dimension);
  const auto put = [&](const std::string& part, std::vector<std::size_t> sizes, double deviation) {
    to.tensors[name + part] = random_tensor(std::move(sizes), deviation, random);
  };
  if (kind.numeric_dimension > 0) {
    dnn::Tensor edges;
    for (std::size_t i = 0; i < to.encoder.n_dense(); ++i) {
      shape.n_bins.push_back(kind.n_bins > 0 ? kind.n_bins : 1 + random.below(6));
      std::vector<float> own(shape.n_bins.back());
      for (float& x : own) x = static_cast<float>(random.normal());
      std::sort(own.begin(), own.end());
      edges.values.insert(edges.values.end(), own.begin(), own.end());
    }
    edges.shape = {edges.values.size()};
    put(".numeric.at", {edges.values.size(), kind.numeric_dimension}, 0.5);
    put(".numeric.slope", {edges.values.size(), kind.numeric_dimension}, 0.5);
    to.tensors[name + ".numeric.edges"] = std::move(edges);
  }
  for (std::size_t c = 0; c < to.encoder.categories().size(); ++c) {
    const std::size_t dimension = kind.category_dimension > 0 ? kind.category_dimension : 2 + c;
    shape.dimensions.push_back(dimension);
    put(".embedding." + std::to_string(c), {to.encoder.categories()[c].n_words + 2, dimension}, 0.5);
    n_in += dimension;
  }
  if (kind.n_paths > 1) put(".scale", {kind.n_paths, n_in}, 1);
  for (std::size_t l = 0; l < kind.hidden.size(); ++l) {
    put(".layer." + std::to_string(l) + ".weight", {kind.hidden[l], n_in}, std::sqrt(2.0 / static_cast<double>(n_in)));
    put(".layer." + std::to_string(l) + ".bias", {kind.hidden[l]}, 0.3);
    n_in = kind.hidden[l];
  }
  std::vector<std::size_t> heads = {kind.n_paths};
  if (to.encoder.n_margins() > 1) heads.push_back(to.encoder.n_margins());
  auto weights = heads;
  weights.push_back(n_in);
  put(".head.weight", weights, std::sqrt(1.0 / static_cast<double>(n_in)));
  for (const char* part : {".head.bias", ".a", ".b"}) put(part, heads, 1);
  to.shapes.push_back(std::move(shape));
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

std::vector<float> naive_forward(const RandomNetwork& n, BatchView encoded) { return float_forward(n, encoded, false); }
std::vector<float> naive_bf16_forward(const RandomNetwork& n, BatchView encoded) {
  return float_forward(n, encoded, true);
}

std::vector<double> double_forward(const dnn::Encoder& encoder, const std::vector<dnn::MemberShape>& shapes,
                                   const dnn::Tensors& tensors, BatchView encoded) {
  const Naive<double, double (*)(double, double, double)> naive(encoder, shapes, tensors,
                                                                [](double a, double b, double c) { return a * b + c; });
  std::vector<double> margins;
  for (std::size_t i = 0; i < encoded.n_rows; ++i)
    for (const auto margin : naive(encoded.row(i))) margins.push_back(margin);
  return margins;
}

}  // namespace sluice::test
