/// Networks of several classes: the executor's bits, the file, and the components that reject them.

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/batcher.h"
#include "sluice/dnn/crossover.h"
#include "sluice/dnn/cuda/cuda_executor.h"
#include "sluice/dnn/parity.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
TEST_CASE("each class of several has the naive recursion's bits, for every kernel, batch and place in it") {
  std::uint64_t seed = 900;
  for (const std::size_t n_outputs : {2, 3, 7, 64})
    for (const std::vector<MemberKind>& kinds : {std::vector<MemberKind>{{{33, 20}}}, std::vector<MemberKind>{{{}, 3}},
                                                 std::vector<MemberKind>{{{24}, 5, 3}, {{40, 16}}}}) {
      const RandomNetwork n = random_network(kinds, seed % 2 == 0, seed, n_outputs);
      const std::size_t n_rows = n_outputs < 64 ? 131 : 29;
      const FloatTable rows = random_encoded(n.encoder, n_rows, ++seed);
      const auto expected = bits(naive_forward(n, rows.view()));
      for (const auto kernel : dnn::dense_kernels()) {
        const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kernel);
        CAPTURE(n_outputs, seed, dnn::to_string(kernel));
        REQUIRE(executor->n_outputs() == n_outputs);
        for (const std::size_t size : {1, 2, 37, 131}) {
          std::vector<float> margins;
          for (std::size_t first = 0; first < n_rows; first += size) {
            const auto part = rows.view().slice(first, std::min(size, n_rows - first));
            std::vector<float> own(part.n_rows * n_outputs);
            executor->forward(part, own);
            margins.insert(margins.end(), own.begin(), own.end());
          }
          REQUIRE(bits(margins) == expected);
        }
      }
    }
}

TEST_CASE("a network of several classes reads back to the same network, and without the key there is one output") {
  const RandomNetwork n = random_network({{{9}, 2, 2}}, true, 931, 3), one = random_network({{{9}, 2, 2}}, true, 931);
  const auto load = [](const RandomNetwork& of, const std::string& json) {
    return std::make_shared<const dnn::Network>(
        dnn::Network::load(json, dnn::write_safetensors(of.tensors), of.schema, "network.json"));
  };
  const std::string text = n.network->to_json(n.schema);
  CHECK(load(n, text)->to_json(n.schema) == text);
  const FloatTable rows = random_encoded(n.encoder, 9, 5);
  std::vector<float> before(27), after(27);
  dnn::make_executor(n.network)->forward(rows.view(), before);
  dnn::make_executor(load(n, text))->forward(rows.view(), after);
  CHECK(bits(before) == bits(after));

  auto json = nlohmann::json::parse(one.network->to_json(one.schema));
  CHECK_FALSE(json.contains("outputs"));
  CHECK(load(one, json.dump())->n_outputs() == 1);
  json["outputs"] = 1;
  CHECK(load(one, json.dump())->n_outputs() == 1);
  json["outputs"] = 3;
  CHECK(code_of([&] { load(one, json.dump()); }) == "network.encoder");
  auto tensors = n.tensors;
  tensors["member.0.a"].shape = {6};
  CHECK(code_of([&] { dnn::Network(n.encoder, n.shapes, tensors, "changed"); }) == "network.tensor_shape");
  CHECK(code_of([&] { random_network({{{3}}}, false, 932, dnn::kMaxOutputs + 1); }) == "network.outputs");
}

TEST_CASE("an output too small for every class is rejected") {
  const RandomNetwork n = random_network({{{9}}}, true, 941, 3);
  const FloatTable rows = random_encoded(n.encoder, 4, 6);
  std::vector<float> margins(11);
  CHECK(code_of([&] { dnn::make_executor(n.network)->forward(rows.view(), margins); }) == "shape");
}

TEST_CASE("a row's encoding ends in the margins of all classes, and has each of their prefixes") {
  const Schema schema(std::vector<Column>{{.name = "x"}});
  Table rows(1, 50);
  FloatTable forest(dnn::kTreePrefixes.size() * 2, 50);
  Random random(7);
  for (std::size_t i = 0; i < 50; ++i)
    for (std::size_t s = 0; s < forest.n_columns(); ++s)
      forest.row(i)[s] = static_cast<float>(random.normal() * static_cast<double>(s + 1) + 3);
  const auto encoder = dnn::Encoder::fit(schema, rows.view(), forest.view());
  REQUIRE(encoder.n_margins() == 2);
  REQUIRE(encoder.n_encoded() == 1 + 8 + 2);
  std::vector<double> sums(8), squares(8);
  for (std::size_t i = 0; i < 50; ++i) {
    std::vector<float> out(encoder.n_encoded());
    encoder.encode(rows.row(i), forest.row(i), out);
    CHECK(out[9] == forest.row(i)[6]);
    CHECK(out[10] == forest.row(i)[7]);
    for (std::size_t s = 0; s < 8; ++s) sums[s] += out[1 + s], squares[s] += out[1 + s] * out[1 + s];
  }
  for (std::size_t s = 0; s < 8; ++s) {
    CHECK(sums[s] / 50 == Approx(0).margin(1e-5));
    CHECK(squares[s] / 50 == Approx(1).epsilon(1e-4));
  }
}

TEST_CASE("a device rejects several classes, and auto uses the CPU for them") {
  const RandomNetwork n = random_network({{{9}}}, true, 951, 3);
  const std::string code = code_of([&] { dnn::make_cuda_executor(n.network); });
  CHECK((code == "device.unsupported" || code == "device.unavailable"));
  std::string why;
  const auto executor = dnn::make_executor(n.network, {}, dnn::DenseKernel::automatic, &why);
  CHECK(executor->device() == "cpu");
  CHECK_FALSE(why.empty());
}

TEST_CASE("every layer around a network has its number of outputs, or rejects several") {
  const RandomNetwork n = random_network({{{9}, 2}}, true, 940, 3);
  RandomNetwork other = n;
  other.tensors.at("member.0.head.bias").values[4] += 0.25f;
  other.network = std::make_shared<dnn::Network>(other.encoder, other.shapes, other.tensors, "other");
  const FloatTable rows = random_encoded(n.encoder, 40, 941);
  const auto make = [](const RandomNetwork& of) { return dnn::make_executor(of.network, dnn::Device::cpu); };
  const std::shared_ptr<const dnn::Executor> one = make(n), two = make(other);

  const std::size_t from_rows = dnn::measure_crossover(
      *one, *two, n.encoder.n_encoded(), {.max_rows = 8, .n_runs = 1, .budget = std::chrono::hours(1), .clock = [] {
                                            return std::chrono::nanoseconds(0);
                                          }});
  CHECK(from_rows == dnn::kNeverFaster);
  const auto pair = dnn::make_crossover_executor(make(n), make(other), 5);
  CHECK(pair->n_outputs() == 3);
  for (const std::size_t size : {1, 4, 5, 40}) {
    std::vector<float> margins(size * 3);
    pair->forward(rows.view().slice(0, size), margins);
    CHECK(bits(margins) == bits(naive_forward(size < 5 ? n : other, rows.view().slice(0, size))));
  }

  CHECK(code_of([&] { dnn::Batcher(one, n.encoder.n_encoded()); }) == "batcher.options");

  const auto a = naive_forward(n, rows.view()), b = naive_forward(other, rows.view());
  double largest = 0;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t k = 0; k < 3; ++k) {
      double sum_a = 0, sum_b = 0;
      for (std::size_t j = 0; j < 3; ++j)
        sum_a += std::exp(double{a[3 * i + j]}), sum_b += std::exp(double{b[3 * i + j]});
      largest =
          std::max(largest, std::abs(std::exp(double{a[3 * i + k]}) / sum_a - std::exp(double{b[3 * i + k]}) / sum_b));
    }
  CHECK(largest > 0.01);
  CHECK(dnn::largest_probability_difference(*one, *two, rows.view()) == Approx(largest).epsilon(1e-9));
  CHECK(dnn::largest_probability_difference(*one, *one, rows.view()) == 0);
}

}  // namespace sluice::test
