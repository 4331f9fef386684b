#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/crossover.h"
#include "sluice/dnn/parity_sample.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

using nlohmann::json;

const RandomNetwork& small() {
  static const RandomNetwork network = random_network({{.hidden = {8}, .n_paths = 3}, {.hidden = {5, 4}}}, true, 11);
  return network;
}

std::unique_ptr<dnn::Executor> executor_of(const RandomNetwork& network, dnn::DenseKernel kernel = {}) {
  return dnn::make_executor(network.network, dnn::Device::cpu, kernel);
}

Error refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e;
  }
  return Error("", "");
}

/// The code with which a changed parity.json is rejected.
std::string read_code(const std::function<void(json&)>& change) {
  json document = json::parse(to_json(dnn::take_parity_sample(*executor_of(small()), small().encoder)));
  change(document);
  return refusal([&] { dnn::read_parity_sample(document.dump(), small().encoder, "parity.json"); }).code();
}

/// Margins that another runtime might give: almost equal.
class Inexact final : public dnn::Executor {
 public:
  Inexact(std::unique_ptr<dnn::Executor> inner, double relative) : inner_(std::move(inner)), relative_(relative) {}
  void forward(BatchView encoded, std::span<float> margins) const override {
    inner_->forward(encoded, margins);
    for (float& m : margins) m = static_cast<float>(m + relative_ * std::max(1.0, std::abs(static_cast<double>(m))));
  }
  std::string_view device() const override { return "elsewhere"; }
  std::string_view kernel() const override { return "inexact"; }

 private:
  std::unique_ptr<dnn::Executor> inner_;
  double relative_;
};

}  // namespace

TEST_CASE("a parity sample reads back to its bits and has the plain network's margins") {
  const auto sample = dnn::take_parity_sample(*executor_of(small()), small().encoder);
  REQUIRE(sample.margins.size() >= 16);
  REQUIRE(sample.margins.size() <= dnn::kMaxParityRows);
  CHECK(bits(sample.margins) == bits(naive_forward(small(), sample.encoded.view())));
  const auto back = dnn::read_parity_sample(to_json(sample), small().encoder, "parity.json");
  CHECK(bits(back.margins) == bits(sample.margins));
  REQUIRE(back.encoded.n_rows() == sample.encoded.n_rows());
  for (std::size_t i = 0; i < sample.encoded.n_rows(); ++i)
    CHECK(bits(back.encoded.row(i)) == bits(sample.encoded.row(i)));
  CHECK(to_json(back) == to_json(sample));
}

TEST_CASE("the sample's rows contain every code, also missing and unseen ones, and are distinct") {
  const auto& encoder = small().encoder;
  const FloatTable rows = dnn::parity_rows(encoder, dnn::kMaxParityRows);
  for (std::size_t c = 0; c < encoder.categories().size(); ++c) {
    std::set<float> codes;
    for (std::size_t i = 0; i < rows.n_rows(); ++i) codes.insert(rows.row(i)[encoder.n_dense() + c]);
    CHECK(codes.size() == encoder.categories()[c].n_words + 2);
  }
  std::set<std::vector<std::uint32_t>> distinct;
  for (std::size_t i = 0; i < rows.n_rows(); ++i) distinct.insert(bits(rows.row(i)));
  CHECK(distinct.size() == rows.n_rows());
}

TEST_CASE("every float32 kernel passes, and one altered bit of a weight or a margin does not") {
  const auto sample = dnn::take_parity_sample(*executor_of(small()), small().encoder);
  for (const auto kernel : dnn::dense_kernels())
    CHECK_NOTHROW(dnn::require_parity(*executor_of(small(), kernel), sample, "parity.json"));

  auto altered = sample;
  altered.margins[7] = std::nextafter(altered.margins[7], 1e9f);
  const Error error = refusal([&] { dnn::require_parity(*executor_of(small()), altered, "b/parity.json"); });
  CHECK(error.code() == "bundle.parity");
  CHECK_THAT(error.message(), Catch::StartsWith("b/parity.json at /margins/7") && Catch::Contains("cpu"));

  auto other = small();
  other.tensors.at("member.0.layer.0.bias").values[0] += 0.01f;
  other.network = std::make_shared<dnn::Network>(other.encoder, other.shapes, other.tensors, "other");
  CHECK(refusal([&] { dnn::require_parity(*executor_of(other), sample, "p"); }).code() == "bundle.parity");
}

TEST_CASE("a tolerance applies on both sides, and never accepts a margin that is not finite") {
  auto sample = dnn::take_parity_sample(*executor_of(small()), small().encoder, 1e-3);
  CHECK_NOTHROW(dnn::require_parity(Inexact(executor_of(small()), 0.9e-3), sample, "p"));
  CHECK_NOTHROW(dnn::require_parity(Inexact(executor_of(small()), -0.9e-3), sample, "p"));
  for (const double off : {1.1e-3, -1.1e-3, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CAPTURE(off);
    const Error error = refusal([&] { dnn::require_parity(Inexact(executor_of(small()), off), sample, "p"); });
    CHECK(error.code() == "bundle.parity");
    CHECK_THAT(error.message(), Catch::Contains("elsewhere (inexact)"));
  }
  sample.tolerance = 0;
  CHECK(refusal([&] { dnn::require_parity(Inexact(executor_of(small()), 1e-6), sample, "p"); }).code() ==
        "bundle.parity");
}

TEST_CASE("two devices that share the batches are both compared with the sample") {
  const auto sample = dnn::take_parity_sample(*executor_of(small()), small().encoder);
  const auto shared = [&](double off, std::size_t from_rows) {
    return dnn::make_crossover_executor(executor_of(small()), std::make_unique<Inexact>(executor_of(small()), off),
                                        from_rows);
  };
  CHECK_NOTHROW(dnn::require_parity(*shared(0, 1000), sample, "p"));
  const Error error = refusal([&] { dnn::require_parity(*shared(1e-3, 1000), sample, "p"); });
  CHECK(error.code() == "bundle.parity");
  CHECK_THAT(error.message(), Catch::Contains("on elsewhere"));
  CHECK_NOTHROW(dnn::require_parity(*shared(1e-3, dnn::kNeverFaster), sample, "p"));
}

TEST_CASE("a network without finite margins has no parity sample") {
  const Inexact nan(executor_of(small()), std::nan(""));
  CHECK(refusal([&] { dnn::take_parity_sample(nan, small().encoder); }).code() == "bundle.parity");
}

TEST_CASE("a parity.json that does not match the encoder is rejected before a kernel reads it") {
  const std::size_t n_dense = small().encoder.n_dense();
  CHECK(read_code([](json&) {}) == "");
  CHECK(read_code([](json& p) { p["format"] = 2; }) == "parity.range");
  CHECK(read_code([](json& p) { p.erase("rows"); }) == "parity.missing");
  CHECK(read_code([](json& p) { p["extra"] = 1; }) == "parity.unknown_key");
  CHECK(read_code([](json& p) { p["tolerance"] = 0.5; }) == "parity.range");
  CHECK(read_code([](json& p) { p["tolerance"] = -1e-5; }) == "parity.range");
  CHECK(read_code([](json& p) { p["rows"] = json::array(); }) == "parity.rows");
  CHECK(read_code([](json& p) { p["rows"] = 5; }) == "parity.rows");
  CHECK(read_code([](json& p) { p["margins"] = 5; }) == "parity.rows");
  CHECK(read_code([](json& p) { p["margins"].erase(0); }) == "parity.rows");
  CHECK(read_code([](json& p) { p["rows"][3].push_back(0); }) == "parity.width");
  CHECK(read_code([](json& p) { p["rows"][3][0] = nullptr; }) == "parity.number");
  CHECK(read_code([](json& p) { p["rows"][3][0] = 1e39; }) == "parity.number");
  CHECK(read_code([](json& p) { p["margins"][3] = "1"; }) == "parity.number");
  for (const double code : {-1.0, 0.5, 5.0, 1e9})
    CHECK(read_code([&](json& p) { p["rows"][2][n_dense] = code; }) == "parity.code");
  CHECK(read_code([](json& p) {
          while (p["rows"].size() <= dnn::kMaxParityRows) p["rows"].push_back(p["rows"][0]);
        }) == "parity.rows");
}

}  // namespace sluice::test
