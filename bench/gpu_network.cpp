#include "gpu_network.h"

#include <cmath>
#include <span>

#include "sluice/base/file.h"
#include "sluice/base/random.h"

namespace sluice::bench {

double GpuNetwork::n_fma() const {
  std::size_t n_in = network->members()[0].n_inputs, n = 0;
  for (const std::size_t n_out : hidden) n += n_in * n_out, n_in = n_out;
  return static_cast<double>((n + n_in) * n_paths);
}

GpuNetwork gpu_network(const std::string& name, std::size_t n_inputs, const std::vector<std::size_t>& hidden,
                       std::size_t n_paths) {
  GpuNetwork made{.name = name, .hidden = hidden, .n_paths = n_paths};
  Random random(1);
  const auto put = [&](const std::string& part, std::vector<std::size_t> shape, double deviation) {
    std::size_t size = 1;
    for (const std::size_t n : shape) size *= n;
    dnn::Tensor& tensor = made.tensors["member.0." + part];
    tensor.shape = std::move(shape);
    tensor.values.resize(size);
    for (float& x : tensor.values) x = static_cast<float>(random.normal() * deviation);
  };
  if (n_paths > 1) put("scale", {n_paths, n_inputs}, 1);
  std::size_t n_in = n_inputs;
  for (std::size_t l = 0; l < hidden.size(); ++l) {
    put("layer." + std::to_string(l) + ".weight", {hidden[l], n_in}, std::sqrt(2.0 / static_cast<double>(n_in)));
    put("layer." + std::to_string(l) + ".bias", {hidden[l]}, 0.1);
    n_in = hidden[l];
  }
  put("head.weight", {n_paths, n_in}, std::sqrt(1.0 / static_cast<double>(n_in)));
  for (const char* part : {"head.bias", "a", "b"}) put(part, {n_paths}, 0.5);

  std::vector<Column> columns(n_inputs - dnn::kTreePrefixes.size());
  for (std::size_t c = 0; c < columns.size(); ++c) columns[c].name = "x" + std::to_string(c);
  const Table no_rows(columns.size());
  made.network = std::make_shared<dnn::Network>(
      dnn::Encoder::fit(Schema(columns), no_rows.view(), std::span<const dnn::PrefixMargins>{}),
      std::vector<dnn::MemberShape>{{.hidden = hidden, .n_paths = n_paths}}, made.tensors, "bench");
  return made;
}

FloatTable random_rows(const GpuNetwork& network, std::size_t n_rows) {
  FloatTable rows(network.network->encoder().n_encoded(), n_rows);
  Random random(2);
  for (std::size_t i = 0; i < n_rows; ++i)
    for (float& x : rows.row(i)) x = static_cast<float>(random.normal());
  return rows;
}

void write_case(const GpuNetwork& network, const FloatTable& rows, const std::vector<float>& margins,
                const std::filesystem::path& folder) {
  dnn::Tensors tensors = network.tensors;
  const auto view = rows.view();
  tensors["rows"] = {{view.n_rows, view.n_columns}, {view.data, view.data + view.n_rows * view.n_columns}};
  tensors["margins"] = {{margins.size()}, margins};
  std::filesystem::create_directories(folder);
  write_file(folder / (network.name + ".safetensors"), dnn::write_safetensors(tensors));
}

}  // namespace sluice::bench
