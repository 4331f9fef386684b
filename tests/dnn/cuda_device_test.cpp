/// The CUDA executor on this machine's device. Without a device every case reports a skip and passes.

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <iostream>
#include <limits>
#include <thread>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/cuda/cuda_executor.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

/// Whether this process can use a device. A device that is present and fails is a failure, not a reason to skip.
bool has_device() {
  static const std::string reason = [] {
    try {
      dnn::make_cuda_executor(random_network({{{4}}}, false, 1).network, {.max_batch = 1, .n_slots = 1});
    } catch (const Error& e) {
      if (e.code() == "device.unavailable" || e.code() == "device.driver") return e.message();
      throw;
    }
    return std::string();
  }();
  if (!reason.empty()) std::cout << "SKIP dnn_cuda: " << reason << "\n";
  return reason.empty();
}

std::vector<float> forward(const dnn::Executor& executor, BatchView rows) {
  std::vector<float> margins(rows.n_rows);
  executor.forward(rows, margins);
  return margins;
}

std::vector<float> on_cpu(const RandomNetwork& n, BatchView rows) {
  return forward(*dnn::make_executor(n.network, dnn::Device::cpu), rows);
}

std::vector<std::size_t> batch_sizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t n = 1; n <= 130; ++n) sizes.push_back(n);
  for (std::size_t n = 256; n <= 4096; n *= 2) sizes.insert(sizes.end(), {n - 1, n, n + 1});
  return sizes;
}

std::vector<std::vector<MemberKind>> networks() {
  return {{{{}}},
          {{{256, 256, 256}}},
          {{{3}}, {{}, 5, 3}},
          {{{200, 17, 1}}, {{40, 33}, 8, 4}},
          {{{512, 512}, 32, 4}},
          {{{130, 140}}, {{24}, 7, 5}, {{1024}, 2, 16}}};
}

void check_parity(const std::vector<std::size_t>& sizes, const std::vector<dnn::CudaOptions>& all_options) {
  std::uint64_t seed = 500;
  for (const auto& kinds : networks()) {
    ++seed;
    const RandomNetwork n = random_network(kinds, seed % 2 == 0, seed);
    const FloatTable rows = random_encoded(n.encoder, sizes.back(), seed);
    const auto expected = bits(on_cpu(n, rows.view()));
    for (const auto& options : all_options) {
      const auto executor = dnn::make_cuda_executor(n.network, options);
      for (const std::size_t n_rows : sizes) {
        CAPTURE(seed, options.max_batch, n_rows);
        REQUIRE(bits(forward(*executor, rows.view().slice(0, n_rows))) ==
                std::vector(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(n_rows)));
      }
    }
  }
}

}  // namespace

TEST_CASE("the device gives the CPU's bits for every batch from 1 to 4097 rows") {
  if (has_device()) check_parity(batch_sizes(), {{}, {.max_batch = 512, .n_slots = 2}});
}

/// Few enough rows for compute-sanitizer, and enough for every tile.
TEST_CASE("the device gives the CPU's bits for a few batches", "[small]") {
  if (has_device()) check_parity({1, 3, 64, 200, 300}, {{.max_batch = 256, .n_slots = 2}});
}

TEST_CASE("eight threads and long batches share the slots, and every row has its bits") {
  if (!has_device()) return;
  const RandomNetwork n = random_network({{{128, 128}}, {{64}, 8, 4}}, true, 510);
  const FloatTable rows = random_encoded(n.encoder, 40000, 511);
  const auto expected = bits(on_cpu(n, rows.view()));
  for (const std::size_t n_slots : {1, 2, 4}) {
    const auto executor = dnn::make_cuda_executor(n.network, {.max_batch = 256, .n_slots = n_slots});
    REQUIRE(bits(forward(*executor, rows.view())) == expected);  // chunks overlap
    std::vector<float> margins(40000);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t first = t * 5000; first < (t + 1) * 5000;) {
          const std::size_t count = std::min<std::size_t>(1 + first % 1700, (t + 1) * 5000 - first);
          executor->forward(rows.view().slice(first, count), std::span(margins).subspan(first, count));
          first += count;
        }
      });
    for (auto& thread : threads) thread.join();
    REQUIRE(bits(margins) == expected);
  }
}

TEST_CASE("a row that is not a number is not a number on the device either, and affects no other row") {
  if (!has_device()) return;
  const RandomNetwork n = random_network({{{16}}, {{8}, 2, 3}}, true, 520);
  FloatTable rows = random_encoded(n.encoder, 5, 521);
  const auto clean = bits(on_cpu(n, rows.view()));
  const auto executor = dnn::make_cuda_executor(n.network);
  for (const float bad : {3e38f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    for (float& x : rows.row(2)) x = bad;
    const auto margins = forward(*executor, rows.view());
    CHECK_FALSE(std::isfinite(margins[2]));
    for (const std::size_t i : {0, 1, 3, 4}) CHECK(bits({&margins[i], 1})[0] == clean[i]);
  }
}

TEST_CASE("a request beyond the device's means is an error with its reason") {
  const RandomNetwork n = random_network({{{16}}}, false, 530);
  CHECK(code_of([&] { dnn::make_cuda_executor(n.network, {.device = 99}); }) == "device.unavailable");
  if (!has_device()) return;
  CHECK(code_of([&] { dnn::make_cuda_executor(n.network, {.memory_share = 1e-12}); }) == "device.out_of_memory");
  // A batch larger than all memory is split to fit.
  const RandomNetwork wide = random_network({{{2048, 2048}, 64, 4}}, false, 531);
  const FloatTable rows = random_encoded(wide.encoder, 3, 532);
  const auto executor =
      dnn::make_cuda_executor(wide.network, {.max_batch = std::size_t{1} << 32, .n_slots = 1, .memory_share = 0.02});
  CHECK(bits(forward(*executor, rows.view())) == bits(on_cpu(wide, rows.view())));
}

TEST_CASE("a process forked after the load gets an error, and the parent continues") {
  if (!has_device()) return;
  const RandomNetwork n = random_network({{{16}}}, false, 540);
  const FloatTable rows = random_encoded(n.encoder, 3, 541);
  auto executor = dnn::make_cuda_executor(n.network);
  const pid_t child = fork();
  if (child == 0) {
    const bool is_told = code_of([&] { forward(*executor, rows.view()); }) == "device.forked";
    executor.reset();
    _exit(is_told ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(bits(forward(*executor, rows.view())) == bits(on_cpu(n, rows.view())));
}

TEST_CASE("automatic serves every batch with the CPU's bits, and reports the device") {
  const RandomNetwork n = random_network({{{64, 64}}}, true, 550);
  const FloatTable rows = random_encoded(n.encoder, 4097, 551);
  std::string why;
  const auto executor = dnn::make_executor(n.network, {}, dnn::DenseKernel::automatic, &why);
  CHECK(why.empty() == has_device());
  CHECK(executor->device() == (why.empty() ? "cpu+cuda:0" : "cpu"));
  CHECK(bits(forward(*executor, rows.view())) == bits(on_cpu(n, rows.view())));
}

}  // namespace sluice::test
