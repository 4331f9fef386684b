/// Equal bits for every kernel, batch, place in it and thread.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>

#include "dnn_support.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

std::vector<float> forward(const RandomNetwork& n, dnn::DenseKernel kernel, BatchView encoded) {
  std::vector<float> margins(encoded.n_rows);
  dnn::make_executor(n.network, dnn::Device::cpu, kernel)->forward(encoded, margins);
  return margins;
}

/// Every kernel against the naive recursion; if a margin is not a number, any NaN is accepted.
void check_bits(const RandomNetwork& n, BatchView rows) {
  const auto expected = naive_forward(n, rows);
  for (const auto kernel : dnn::dense_kernels()) {
    const auto margins = forward(n, kernel, rows);
    CAPTURE(dnn::to_string(kernel), rows.n_rows);
    for (std::size_t i = 0; i < rows.n_rows; ++i) {
      CAPTURE(i, margins[i], expected[i]);
      if (std::isnan(expected[i]))
        REQUIRE(std::isnan(margins[i]));
      else
        REQUIRE(bits({&margins[i], 1}) == bits({&expected[i], 1}));
    }
  }
}

void check_bits(const std::vector<MemberKind>& kinds, std::size_t n_rows, std::uint64_t seed) {
  const RandomNetwork n = random_network(kinds, seed % 2 == 0, seed);
  CAPTURE(seed);
  check_bits(n, random_encoded(n.encoder, n_rows, seed + 1).view());
}

const RandomNetwork& small_network() {
  static const RandomNetwork n = random_network({{{40, 33}}, {{20}, 6, 3}}, true, 7);
  return n;
}

}  // namespace

TEST_CASE("every kernel gives the naive recursion's bits for every odd width and one block more") {
  for (std::size_t width = 1; width <= 300; width += 2) check_bits({{{width, (width * 7) % 61 + 1}}}, 7, width);
  for (const std::size_t width : {16, 32, 48, 64, 80, 112, 128, 192, 256}) check_bits({{{width, width}}}, 13, width);
  check_bits({{{2048}}, {{}, 2}}, 3, 400);
}

TEST_CASE("every kernel gives the naive recursion's bits for every number of paths, members and layers") {
  for (std::size_t n_paths = 1; n_paths <= dnn::kMaxPaths; ++n_paths) {
    check_bits({{{9}, n_paths, n_paths % 5}}, 3, 500 + n_paths);
    check_bits({{{}, n_paths, n_paths % 3}}, 5, 600 + n_paths);
  }
  check_bits({{{}}, {{}, 5, 3}, {{16, 16}, 7}, {{24}, 1, 5}, {{64, 64}, 32, 2}, {{3, 2, 1, 2, 3}, 2}}, 30, 700);
}

TEST_CASE("the largest allowed network gives the naive recursion's bits") {
  const RandomNetwork narrow = random_network({{{1}}}, false, 800);
  const std::size_t dimension = dnn::kMaxInputs / narrow.encoder.n_dense();
  check_bits({{{dnn::kMaxWidth, 3}, 2, dimension}}, 2, 801);
  check_bits({{{5}, dnn::kMaxPaths, dimension}}, 2, 803);
}

TEST_CASE("the batch's size and a row's place in it change no bit") {
  const RandomNetwork& n = small_network();
  const FloatTable rows = random_encoded(n.encoder, 4097, 8);
  const auto expected = naive_forward(n, rows.view());
  std::vector<std::size_t> sizes = {95, 96, 97, 127, 128, 129, 191, 1000, 4095, 4096, 4097};
  for (std::size_t size = 1; size <= 70; ++size) sizes.push_back(size);
  for (const auto kernel : dnn::dense_kernels()) {
    const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kernel);
    std::vector<float> margins(4097);
    for (const std::size_t size : sizes)
      for (const std::size_t first : {std::size_t{0}, (4097 - size) / 2, 4097 - size}) {
        if (kernel == dnn::DenseKernel::scalar && size > 1000 && first > 0) continue;
        executor->forward(rows.view().slice(first, size), margins);
        CAPTURE(dnn::to_string(kernel), size, first);
        REQUIRE(bits(std::span(margins).first(size)) == bits(std::span(expected).subspan(first, size)));
      }
  }
}

TEST_CASE("the order of the rows changes no row's bits") {
  const RandomNetwork& n = small_network();
  const FloatTable rows = random_encoded(n.encoder, 300, 9);
  const auto expected = naive_forward(n, rows.view());
  std::vector<std::size_t> order(300);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(10);
  for (std::size_t turn = 0; turn < 5; ++turn) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    FloatTable shuffled(rows.n_columns());
    std::vector<float> expected_shuffled;
    for (const std::size_t i : order) {
      shuffled.append(rows.row(i));
      expected_shuffled.push_back(expected[i]);
    }
    for (const auto kernel : dnn::dense_kernels())
      REQUIRE(bits(forward(n, kernel, shuffled.view())) == bits(expected_shuffled));
  }
}

TEST_CASE("one to eight threads share an executor and get the same bits") {
  const RandomNetwork& n = small_network();
  constexpr std::size_t kRows = 840;
  const FloatTable rows = random_encoded(n.encoder, kRows, 11);
  const auto expected = bits(naive_forward(n, rows.view()));
  for (const auto kernel : dnn::dense_kernels()) {
    const auto executor = dnn::make_executor(n.network, dnn::Device::cpu, kernel);
    for (std::size_t n_threads = 1; n_threads <= 8; ++n_threads) {
      std::vector<float> margins(kRows);
      std::vector<std::thread> threads;
      for (std::size_t t = 0; t < n_threads; ++t)
        threads.emplace_back([&, t] {
          const std::size_t end = kRows * (t + 1) / n_threads;
          for (std::size_t first = kRows * t / n_threads; first < end;) {
            const std::size_t count = std::min<std::size_t>(1 + first % 7, end - first);
            executor->forward(rows.view().slice(first, count), std::span(margins).subspan(first, count));
            first += count;
          }
        });
      for (auto& thread : threads) thread.join();
      CAPTURE(dnn::to_string(kernel), n_threads);
      REQUIRE(bits(margins) == expected);
    }
  }
}

TEST_CASE("inputs that are not a number, infinite, huge, tiny or a signed zero give the naive recursion's bits") {
  const RandomNetwork n = random_network({{{16, 16}}, {{33}, 4, 3}, {{}, 3, 9}}, true, 12);
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const float odd : {std::nanf(""), kInf, -kInf, 3e38f, -3e38f, 1e-42f, 0.0f, -0.0f}) {
    FloatTable rows = random_encoded(n.encoder, n.encoder.n_dense() + 2, 13);
    for (std::size_t c = 0; c < n.encoder.n_dense(); ++c) rows.row(c)[c] = odd;
    rows.row(n.encoder.n_dense()).back() = odd;
    CAPTURE(odd);
    check_bits(n, rows.view());
  }
}

TEST_CASE("constant inputs, zeros and dead units give the naive recursion's bits") {
  RandomNetwork n = random_network({{{16, 16}}, {{16}, 8, 4}}, false, 14);
  FloatTable rows(n.encoder.n_encoded(), 20);
  check_bits(n, rows.view());
  for (std::size_t i = 0; i < 20; ++i) std::fill(rows.row(i).begin(), rows.row(i).end(), 0.7f);
  check_bits(n, rows.view());
  for (auto& [name, tensor] : n.tensors)
    if (name.ends_with("layer.0.bias")) std::fill(tensor.values.begin(), tensor.values.end(), -1e30f);
  n.network = std::make_shared<dnn::Network>(n.encoder, n.shapes, n.tensors, "dead units");
  check_bits(n, rows.view());
}

TEST_CASE("margins are within 1e-5 of a forward pass in double, relative to the margin or one") {
  for (const MemberKind& kind : {MemberKind{{128, 128}}, MemberKind{{256, 256, 256}}, MemberKind{{256, 256}, 8, 16},
                                 MemberKind{{64, 64}, 32, 8}, MemberKind{{40}, 5}}) {
    const RandomNetwork n = random_network({kind, kind}, true, 900);
    const FloatTable rows = random_encoded(n.encoder, 64, 901);
    const auto expected = double_forward(n.encoder, n.shapes, n.tensors, rows.view());
    for (const auto kernel : dnn::dense_kernels()) {
      const auto margins = forward(n, kernel, rows.view());
      for (std::size_t i = 0; i < 64; ++i)
        REQUIRE(std::abs(margins[i] - expected[i]) <= 1e-5 * std::max(1.0, std::abs(expected[i])));
    }
  }
}

}  // namespace sluice::test
