#include "dnn_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/dnn/executor.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kDense = 64, kBins = 32;

struct Named {
  const char* name;
  std::vector<std::size_t> hidden;
  std::size_t n_paths, dimension, n_rows;
};

const std::vector<Named>& shapes() {
  static const std::vector<Named> all = {{"mlp_128x2", {128, 128}, 1, 0, 4096},
                                         {"mlp_256x3", {256, 256, 256}, 1, 0, 4096},
                                         {"tabm_k8_256x2", {256, 256}, 8, 0, 256},
                                         {"tabm_k32_256x2", {256, 256}, 32, 0, 64},
                                         {"tabm_k8_256x2_embedded_8", {256, 256}, 8, 8, 128},
                                         {"tabm_k8_256x2_embedded_16", {256, 256}, 8, 16, 64},
                                         {"tabm_k32_256x2_embedded_16", {256, 256}, 32, 16, 16}};
  return all;
}

dnn::Tensor random_tensor(std::vector<std::size_t> shape, double deviation, Random& random) {
  const std::size_t size = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  dnn::Tensor tensor{std::move(shape), std::vector<float>(size)};
  for (float& x : tensor.values) x = static_cast<float>(random.normal() * deviation);
  return tensor;
}

dnn::Tensors random_tensors(const Named& of, Random& random) {
  dnn::Tensors tensors;
  const auto put = [&](const std::string& name, std::vector<std::size_t> shape, double deviation) {
    tensors[name] = random_tensor(std::move(shape), deviation, random);
  };
  if (of.dimension > 0) {
    put("numeric.edges", {kDense * kBins}, 1);
    auto& edges = tensors["numeric.edges"].values;
    for (auto first = edges.begin(); first != edges.end(); first += kBins) std::sort(first, first + kBins);
    put("numeric.at", {kDense * kBins, of.dimension}, 0.5);
    put("numeric.slope", {kDense * kBins, of.dimension}, 0.5);
  }
  std::size_t n_in = kDense * std::max<std::size_t>(1, of.dimension);
  if (of.n_paths > 1) put("scale", {of.n_paths, n_in}, 1);
  for (std::size_t l = 0; l < of.hidden.size(); n_in = of.hidden[l++]) {
    put("layer." + std::to_string(l) + ".weight", {of.hidden[l], n_in}, std::sqrt(2.0 / static_cast<double>(n_in)));
    put("layer." + std::to_string(l) + ".bias", {of.hidden[l]}, 0.1);
  }
  put("head.weight", {of.n_paths, n_in}, std::sqrt(1.0 / static_cast<double>(n_in)));
  for (const char* name : {"head.bias", "a", "b"}) put(name, {of.n_paths}, 1);
  return tensors;
}

void write_floats(const std::filesystem::path& path, std::span<const float> values) {
  write_file(path, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::vector<float> read_floats(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

dnn::MemberShape shape_of(const std::vector<std::size_t>& hidden, std::size_t n_paths, std::size_t dimension) {
  return {.hidden = hidden,
          .n_paths = n_paths,
          .numeric_dimension = dimension,
          .n_bins = std::vector<std::size_t>(dimension > 0 ? kDense : 0, kBins)};
}

}  // namespace

std::vector<std::string> network_case_names() {
  std::vector<std::string> names;
  for (const Named& shape : shapes()) names.emplace_back(shape.name);
  return names;
}

void make_network_case(std::string_view name, const std::filesystem::path& folder) {
  const auto of = std::find_if(shapes().begin(), shapes().end(), [&](const Named& s) { return s.name == name; });
  if (of == shapes().end()) throw Error("bench.shape", "there is no shape " + std::string(name));
  std::filesystem::create_directories(folder);
  Random random(1);
  NetworkCase made{of->name, shape_of(of->hidden, of->n_paths, of->dimension), random_tensors(*of, random),
                   FloatTable(kDense + 1, of->n_rows), std::vector<float>(of->n_rows)};
  for (std::size_t i = 0; i < of->n_rows; ++i)
    for (float& x : made.rows.row(i)) x = static_cast<float>(random.normal());
  dnn::make_executor(network_of(made), dnn::Device::cpu)->forward(made.rows.view(), made.margins);

  nlohmann::json about = {{"name", of->name},     {"n_rows", of->n_rows}, {"n_dense", kDense},
                          {"paths", of->n_paths}, {"hidden", of->hidden}, {"dimension", of->dimension},
                          {"n_bins", kBins}};
  for (const auto& [tensor_name, tensor] : made.tensors) {
    about["tensors"][tensor_name] = tensor.shape;
    write_floats(folder / (tensor_name + ".f32"), tensor.values);
  }
  write_file(folder / "case.json", about.dump());
  write_floats(folder / "rows.f32", {made.rows.view().data, made.rows.n_rows() * made.rows.n_columns()});
  write_floats(folder / "margins.f32", made.margins);
}

NetworkCase read_network_case(const std::filesystem::path& folder) {
  const auto about = nlohmann::json::parse(read_file(folder / "case.json"));
  NetworkCase out{about["name"],
                  shape_of(about["hidden"], about["paths"], about["dimension"]),
                  {},
                  FloatTable(kDense + 1),
                  read_floats(folder / "margins.f32")};
  for (const auto& [name, shape] : about["tensors"].items())
    out.tensors[name] = {shape.get<std::vector<std::size_t>>(), read_floats(folder / (name + ".f32"))};
  const auto cells = read_floats(folder / "rows.f32");
  for (std::size_t i = 0; i < cells.size(); i += kDense + 1) out.rows.append({&cells[i], kDense + 1});
  return out;
}

std::shared_ptr<const dnn::Network> network_of(const NetworkCase& of) {
  std::vector<Column> columns(kDense - dnn::kTreePrefixes.size());
  for (std::size_t c = 0; c < columns.size(); ++c) columns[c].name = "x" + std::to_string(c);
  const Table no_rows(columns.size());
  dnn::Tensors tensors;
  for (const auto& [name, tensor] : of.tensors) tensors["member.0." + name] = tensor;
  return std::make_shared<dnn::Network>(
      dnn::Encoder::fit(Schema(columns), no_rows.view(), std::span<const dnn::PrefixMargins>{}), std::vector{of.shape},
      tensors, of.name);
}

}  // namespace sluice::bench
