#include <cmath>
#include <functional>
#include <limits>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

std::vector<float> forward(const RandomNetwork& n, dnn::DenseKernel kernel, BatchView encoded) {
  std::vector<float> margins(encoded.n_rows);
  dnn::make_executor(n.network, dnn::Device::cpu, kernel)->forward(encoded, margins);
  return margins;
}

}  // namespace

TEST_CASE("forward allocates nothing") {
  const RandomNetwork n = random_network({{{128, 128}}, {{128}, 8, 8}}, true, 9);
  const FloatTable rows = random_encoded(n.encoder, 65, 10);
  std::vector<float> margins(65);
  auto kernels = dnn::dense_kernels();
  if (dnn::has_kernel(dnn::DenseKernel::avx512_bf16)) kernels.push_back(dnn::DenseKernel::avx512_bf16);
  for (const auto kernel : kernels) {
    const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kernel);
    const std::size_t before = n_allocations();
    executor->forward(rows.view(), margins);
    executor->forward(rows.view().slice(3, 1), margins);
    CHECK(n_allocations() == before);
  }
}

TEST_CASE("a row that overflows or is not a number gives a margin that is not finite, and affects no other row") {
  const RandomNetwork n = random_network({{{16, 16}}, {{16}, 4, 3}}, false, 11);
  FloatTable rows = random_encoded(n.encoder, 5, 12);
  const auto clean = naive_forward(n, rows.view());
  for (const float bad : {3e38f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    for (float& x : rows.row(2)) x = bad;
    for (const auto kernel : dnn::dense_kernels()) {
      const auto margins = forward(n, kernel, rows.view());
      CAPTURE(bad, dnn::to_string(kernel));
      CHECK_FALSE(std::isfinite(margins[2]));
      for (const std::size_t i : {0, 1, 3, 4}) CHECK(bits({&margins[i], 1}) == bits({&clean[i], 1}));
    }
  }
}

TEST_CASE("an invalid code reads the first or the last row of its table, from every kernel") {
  const RandomNetwork n = random_network({{{5}}, {{}, 3}}, true, 15);
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (std::size_t c = 0; c < 2; ++c) {
    const auto last = static_cast<float>(n.encoder.categories()[c].n_words + 1);
    for (const auto& [code, meant] : std::vector<std::pair<float, float>>{{-1, 0},
                                                                          {-kInf, 0},
                                                                          {std::nanf(""), 0},
                                                                          {-0.0f, 0},
                                                                          {0.5f, 0},
                                                                          {1.5f, 1},
                                                                          {last, last},
                                                                          {last + 0.5f, last},
                                                                          {last + 1, last},
                                                                          {1e30f, last},
                                                                          {kInf, last}}) {
      FloatTable rows = random_encoded(n.encoder, 3, 16);
      rows.row(1)[n.encoder.n_dense() + c] = meant;
      const auto expected = naive_forward(n, rows.view());
      rows.row(1)[n.encoder.n_dense() + c] = code;
      for (const auto kernel : dnn::dense_kernels()) {
        CAPTURE(c, code, dnn::to_string(kernel));
        CHECK(bits(forward(n, kernel, rows.view())) == bits(expected));
      }
    }
  }
}

TEST_CASE("a named device that is not available is an error, never another device") {
  const RandomNetwork n = random_network({{{4}}}, false, 13);
  CHECK(code_of([&] { dnn::make_executor(n.network, {dnn::Device::cuda, 99}); }) == "device.unavailable");
  for (const char* name : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999"})
    CHECK(code_of([&] { dnn::parse_device(name); }) == "device.name");
  CHECK(dnn::parse_device("auto") == dnn::DeviceChoice());
  CHECK(dnn::parse_device("cuda") == dnn::DeviceChoice(dnn::Device::cuda, 0));
  CHECK(dnn::parse_device("cuda:1") == dnn::DeviceChoice(dnn::Device::cuda, 1));
  const auto here = dnn::dense_kernels();
  for (const auto kernel :
       {dnn::DenseKernel::scalar, dnn::DenseKernel::avx2, dnn::DenseKernel::avx512, dnn::DenseKernel::avx512_bf16}) {
    const bool has = dnn::has_kernel(kernel), is_exact = kernel != dnn::DenseKernel::avx512_bf16;
    CHECK((std::find(here.begin(), here.end(), kernel) != here.end()) == (has && is_exact));
    CHECK(code_of([&] { dnn::make_executor(n.network, dnn::Device::cpu, kernel); }) ==
          (has ? "" : "device.unavailable"));
  }
  CHECK(dnn::make_executor(n.network, dnn::Device::cpu)->kernel() == dnn::to_string(here.back()));
  const FloatTable narrow(n.encoder.n_encoded() - 1, 2);
  std::vector<float> margins(2);
  CHECK(code_of([&] { dnn::make_executor(n.network)->forward(narrow.view(), margins); }) == "shape");
  const FloatTable rows(n.encoder.n_encoded(), 3);
  CHECK(code_of([&] { dnn::make_executor(n.network)->forward(rows.view(), margins); }) == "shape");
}

TEST_CASE("a network is rejected if JSON, tensors and schema do not match") {
  const RandomNetwork n = random_network({{{4}}, {{4}, 3, 2}}, true, 14);
  const std::string json = n.network->to_json(n.schema);
  const auto load = [&](const std::string& text, const dnn::Tensors& tensors) {
    return code_of([&] { dnn::Network::load(text, dnn::write_safetensors(tensors), n.schema, "network.json"); });
  };
  CHECK(load(json, n.tensors) == "");
  for (const auto& [name, tensor] : n.tensors) {
    CAPTURE(name);
    auto tensors = n.tensors;
    tensors.erase(name);
    CHECK(load(json, tensors) == "network.missing_tensor");
    tensors = n.tensors;
    tensors[name].shape.push_back(1);
    CHECK(load(json, tensors) == "network.tensor_shape");
    tensors = n.tensors;
    tensors[name].values.back() = std::nanf("");
    CHECK(load(json, tensors) == "weights.not_finite");
  }
  const auto refused = [&](const std::function<void(dnn::MemberShape&)>& change) {
    auto shapes = n.shapes;
    change(shapes[1]);
    return code_of([&] { dnn::Network(n.encoder, shapes, n.tensors, "changed"); });
  };
  CHECK(refused([](auto& shape) { shape.hidden = {5000}; }) == "network.width");
  CHECK(refused([](auto& shape) { shape.hidden = {0}; }) == "network.width");
  CHECK(refused([](auto& shape) { shape.n_paths = 0; }) == "network.paths");
  CHECK(refused([](auto& shape) { shape.n_paths = 65; }) == "network.paths");
  CHECK(refused([](auto& shape) { shape.n_bins.pop_back(); }) == "network.bins");
  CHECK(refused([](auto& shape) { shape.n_bins[0] = 0; }) == "network.bins");
  CHECK(refused([](auto& shape) { shape.numeric_dimension = 0; }) == "network.bins");
  CHECK(refused([](auto& shape) { shape.dimensions.clear(); }) == "network.dimensions");
  CHECK(refused([](auto& shape) { shape.hidden = {5}; }) == "network.tensor_shape");
  CHECK(code_of([&] { dnn::Network(n.encoder, {}, n.tensors, "empty"); }) == "network.members");
  auto tensors = n.tensors;
  auto& edges = tensors["member.1.numeric.edges"].values;
  const std::size_t wide = static_cast<std::size_t>(
      std::find_if(n.shapes[1].n_bins.begin(), n.shapes[1].n_bins.end(), [](auto bins) { return bins > 1; }) -
      n.shapes[1].n_bins.begin());
  REQUIRE(wide < n.shapes[1].n_bins.size());
  std::size_t first = 0;
  for (std::size_t i = 0; i < wide; ++i) first += n.shapes[1].n_bins[i];
  std::swap(edges[first], edges[first + 1]);
  CHECK(load(json, tensors) == "network.edges");
  for (const char* bad :
       {"", "{", "[]", "null", "{}", R"({"kind": "residual", "format": 3, "members": [], "encoder": {}})",
        R"({"kind": "mlp", "format": 2, "members": [], "encoder": {}})",
        R"({"kind": "residual", "format": 2, "members": [], "encoder": null})",
        R"({"kind": "residual", "format": 2, "members": 3, "encoder": {}})",
        R"({"kind": "residual", "format": 2, "members": [{"hidden": [-1]}], "encoder": {}})"}) {
    CAPTURE(bad);
    CHECK(load(bad, n.tensors) != "");
  }
}

}  // namespace sluice::test
