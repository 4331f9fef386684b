/// The bf16 kernel: its own bits, the same for every batch, and the parity check that it must pass.

#include <algorithm>
#include <cmath>
#include <limits>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/dnn/infer/packed_network.h"
#include "sluice/dnn/parity.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

constexpr auto kBf16 = dnn::DenseKernel::avx512_bf16;

bool is_here() {
  if (dnn::has_kernel(kBf16)) return true;
  WARN("SKIP: this processor has no bf16 kernel");
  return false;
}

}  // namespace

TEST_CASE("rounding to bf16 keeps eight significant bits, ties to even") {
  Random random(1);
  const auto widened = [](float x) { return std::bit_cast<float>(static_cast<std::uint32_t>(dnn::to_bf16(x)) << 16); };
  for (std::size_t i = 0; i < 100'000; ++i) {
    const auto x = static_cast<float>(random.normal() * std::pow(10, random.normal() * 5));
    REQUIRE(widened(x) == rounded_to_bf16(x));
  }
  CHECK(widened(std::bit_cast<float>(0x3f808000u)) == 1.0f);  // halfway, to the even one
  CHECK(widened(std::bit_cast<float>(0x3f818000u)) == std::bit_cast<float>(0x3f820000u));
  constexpr float kInf = std::numeric_limits<float>::infinity();
  CHECK(widened(3.4e38f) == kInf);
  CHECK(widened(-kInf) == -kInf);
  CHECK(std::isnan(widened(std::bit_cast<float>(0x7f800001u))));
  CHECK(bits({{widened(-1e-42f)}}) == bits({{-0.0f}}));
}

TEST_CASE("the bf16 kernel gives the bits of a naive recursion over rounded numbers for every batch") {
  if (!is_here()) return;
  for (const MemberKind& kind :
       {MemberKind{{128, 128}}, MemberKind{{1}}, MemberKind{{17, 33, 5}}, MemberKind{{200, 7}, 3},
        MemberKind{{64, 64}, 8}, MemberKind{{9}, 32}, MemberKind{{30, 31}, 64}}) {
    const RandomNetwork n = random_network({kind}, false, 20 + kind.n_paths);
    const FloatTable rows = random_encoded(n.encoder, 101, 21);
    const auto expected = naive_bf16_forward(n, rows.view());
    const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kBf16);
    CHECK(executor->kernel() == "avx512-bf16");
    for (const std::size_t size : {1, 2, 3, 5, 6, 7, 8, 13, 16, 31, 64, 96, 97, 101})
      for (std::size_t first = 0; first + size <= 101; first += size) {
        std::vector<float> margins(size);
        executor->forward(rows.view().slice(first, size), margins);
        CAPTURE(kind.hidden, kind.n_paths, size, first);
        REQUIRE(bits(margins) == bits(std::span(expected).subspan(first, size)));
      }
  }
}

TEST_CASE("the bf16 kernel reads embeddings, categories and odd numbers of inputs") {
  if (!is_here()) return;
  const RandomNetwork n = random_network({{{64, 64}, 8, 3}, {{33}, 1, 1}, {{}, 4, 2}}, true, 30);
  const FloatTable rows = random_encoded(n.encoder, 100, 31);
  std::vector<float> margins(100), one(1);
  const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kBf16);
  executor->forward(rows.view(), margins);
  const auto expected = double_forward(n.encoder, n.shapes, n.tensors, rows.view());
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(std::abs(margins[i] - expected[i]) <= 0.05);
    executor->forward(rows.view().slice(i, 1), one);
    REQUIRE(bits(one) == bits({&margins[i], 1}));
  }
}

TEST_CASE("the parity check compares probabilities and rejects differences above its bound") {
  const RandomNetwork exact = random_network({{{}}}, false, 40);
  RandomNetwork other = exact;
  other.tensors.at("member.0.head.bias").values[0] += 0.25f;
  other.network = std::make_shared<dnn::Network>(other.encoder, other.shapes, other.tensors, "other");
  const auto one = dnn::make_executor(exact.network), two = dnn::make_executor(other.network);
  FloatTable rows = random_encoded(exact.encoder, 50, 41);
  double expected = 0;
  const auto a = naive_forward(exact, rows.view()), b = naive_forward(other, rows.view());
  for (std::size_t i = 0; i < 50; ++i)
    expected = std::max(expected, std::abs(1 / (1 + std::exp(-double{a[i]})) - 1 / (1 + std::exp(-double{b[i]}))));
  CHECK(dnn::largest_probability_difference(*one, *two, rows.view()) == Approx(expected).epsilon(1e-9));
  CHECK(dnn::largest_probability_difference(*one, *one, rows.view()) == 0);
  CHECK(code_of([&] { dnn::require_parity(*one, *two, rows.view(), expected * 1.001); }) == "");
  CHECK(code_of([&] { dnn::require_parity(*one, *two, rows.view(), expected * 0.999); }) == "device.parity");
  CHECK(code_of([&] { dnn::require_parity(*one, *two, rows.view(), std::nan("")); }) == "device.parity");
  CHECK(code_of([&] { dnn::require_parity(*one, *one, rows.view().slice(0, 0), 1); }) == "device.parity");
  other.tensors.at("member.0.head.weight").values[0] = 3e38f;
  other.network = std::make_shared<dnn::Network>(other.encoder, other.shapes, other.tensors, "overflows");
  rows.row(0)[0] = 30;
  CHECK(dnn::largest_probability_difference(*one, *dnn::make_executor(other.network), rows.view()) == 1);
}

TEST_CASE("a bf16 network is close to float32, passes a suitable bound and fails one that is too small") {
  if (!is_here()) return;
  const RandomNetwork n = random_network({{{128, 128}}, {{64, 64}, 8, 8}}, true, 50);
  const FloatTable rows = random_encoded(n.encoder, 500, 51);
  const auto exact = dnn::make_executor(n.network), bf16 = dnn::make_executor(n.network, dnn::Device::cpu, kBf16);
  CHECK(code_of([&] { dnn::require_parity(*exact, *bf16, rows.view(), 0.02); }) == "");
  CHECK(code_of([&] { dnn::require_parity(*exact, *bf16, rows.view(), 1e-6); }) == "device.parity");
}

}  // namespace sluice::test
