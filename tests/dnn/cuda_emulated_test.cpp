/// The CUDA executor and its kernels on the emulator of cuda_emulator/: the checks that need no device.

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <thread>

#include "cuda_runtime_api.h"
#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/dnn/cuda/cuda_executor.h"
#include "sluice/dnn/cuda/error.h"
#include "sluice/dnn/cuda/workspace.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

using cuda_emulator::machine;

/// Resets the machine, which another test may have changed.
struct FreshMachine {
  FreshMachine() { reset(); }
  ~FreshMachine() { reset(); }
  static void reset() {
    machine().n_devices = 2, machine().driver_version = 13000, machine().n_processors = 2;
    machine().free_bytes = 2000000;  // so that the default of large batches stays small here
    machine().is_backwards = machine().is_late = false;
    machine().fault = nullptr;
  }
};

std::vector<float> forward(const dnn::Executor& executor, BatchView rows) {
  std::vector<float> margins(rows.n_rows);
  executor.forward(rows, margins);
  return margins;
}

}  // namespace

TEST_CASE("the kernels give the bits of the naive recursion, in any order that CUDA allows") {
  const FreshMachine fresh;
  std::uint64_t seed = 300;
  const std::vector<std::vector<MemberKind>> networks = {
      {{{}}}, {{{3}}, {{}, 5, 3}}, {{{200, 17, 1}}, {{40, 33}, 8, 4}}, {{{130, 140}}, {{24}, 7, 5}}};
  for (const auto& kinds : networks) {
    ++seed;
    const RandomNetwork n = random_network(kinds, seed % 2 == 0, seed);
    const FloatTable rows = random_encoded(n.encoder, 300, seed);
    const auto expected = naive_forward(n, rows.view());
    for (const auto& [backwards, late, n_processors] :
         {std::tuple(false, false, 1), {true, true, 2}, {false, true, 6}, {true, false, 40}, {false, true, 1000}}) {
      machine().is_backwards = backwards, machine().is_late = late, machine().n_processors = n_processors;
      const auto executor = dnn::make_cuda_executor(n.network, {.max_batch = 128, .n_slots = 2});
      for (const std::size_t n_rows : {1, 2, 3, 63, 64, 65, 300}) {
        CAPTURE(seed, backwards, late, n_processors, n_rows);
        REQUIRE(bits(forward(*executor, rows.view().slice(0, n_rows))) == bits({expected.data(), n_rows}));
      }
    }
  }
}

TEST_CASE("a batch is split into chunks, and its rows may have a stride") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{20}, 3, 2}}, true, 310);
  const FloatTable rows = random_encoded(n.encoder, 100, 311);
  const auto expected = bits(naive_forward(n, rows.view()));
  FloatTable wide(n.encoder.n_encoded() + 3, 100);
  for (std::size_t i = 0; i < 100; ++i) std::copy(rows.row(i).begin(), rows.row(i).end(), wide.row(i).begin());
  BatchView apart = wide.view();
  apart.n_columns = n.encoder.n_encoded();
  machine().is_late = true;
  for (const std::size_t n_slots : {1, 2, 5})
    for (const std::size_t max_batch : {1, 7, 64}) {
      CAPTURE(n_slots, max_batch);
      const auto executor = dnn::make_cuda_executor(n.network, {.max_batch = max_batch, .n_slots = n_slots});
      CHECK(bits(forward(*executor, rows.view())) == expected);
      CHECK(bits(forward(*executor, apart)) == expected);
      CHECK(forward(*executor, rows.view().slice(0, 0)).empty());
    }
}

TEST_CASE("eight threads share two slots") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{20}, 3, 2}}, false, 320);
  const FloatTable rows = random_encoded(n.encoder, 240, 321);
  const auto expected = bits(naive_forward(n, rows.view()));
  const auto executor = dnn::make_cuda_executor(n.network, {.max_batch = 8, .n_slots = 2});
  std::vector<float> margins(240);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t first = t * 30; first < (t + 1) * 30;) {
        const std::size_t count = std::min<std::size_t>(1 + first % 13, (t + 1) * 30 - first);
        executor->forward(rows.view().slice(first, count), std::span(margins).subspan(first, count));
        first += count;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(bits(margins) == expected);
}

TEST_CASE("codes out of range and rows that overflow affect no other row") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}}, {{8}, 2, 3}}, true, 330);
  FloatTable rows = random_encoded(n.encoder, 5, 331);
  const auto clean = bits(naive_forward(n, rows.view()));
  const auto executor = dnn::make_cuda_executor(n.network);
  for (const float bad : {-1.0f, 1e9f, 3e38f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    for (float& x : rows.row(2)) x = bad;
    const auto margins = forward(*executor, rows.view());
    if (!(std::abs(bad) < 1e10f)) CHECK_FALSE(std::isfinite(margins[2]));
    for (const std::size_t i : {0, 1, 3, 4}) CHECK(bits({&margins[i], 1})[0] == clean[i]);
  }
}

TEST_CASE("a missing device is reported before anything is uploaded") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}}}, false, 340);
  const auto make = [&](const dnn::CudaOptions& options) {
    return code_of([&] { dnn::make_cuda_executor(n.network, options); });
  };
  CHECK(make({}) == "");
  CHECK(make({.device = 1}) == "");
  CHECK(make({.device = 99}) == "device.unavailable");
  CHECK(make({.device = -1}) == "device.unavailable");
  for (const dnn::CudaOptions& bad : std::initializer_list<dnn::CudaOptions>{
           {.max_batch = 0}, {.n_slots = 0}, {.n_slots = 17}, {.memory_share = 0}, {.memory_share = 1.5}})
    CHECK(make(bad) == "device.options");
  CHECK(make({.memory_share = 1e-9}) == "device.out_of_memory");
  machine().n_devices = 0;
  CHECK(make({}) == "device.unavailable");
  machine().fault = [](const std::string&) { return cudaErrorInsufficientDriver; };
  CHECK(make({}) == "device.driver");
  machine().driver_version = 0;
  CHECK(make({}) == "device.unavailable");
  CHECK(machine().n_allocations == 0);
}

TEST_CASE("a call that fails during loading releases everything") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}, 2, 2}}, false, 350);
  std::size_t n_calls = 0;
  machine().fault = [&](const std::string&) { return ++n_calls, cudaSuccess; };
  {
    dnn::make_cuda_executor(n.network, {.max_batch = 4, .n_slots = 2});
  }
  const std::size_t n_all = n_calls;
  REQUIRE(n_all > 50);
  for (std::size_t failing = 1; failing <= n_all; ++failing) {
    CAPTURE(failing);
    n_calls = 0;
    machine().fault = [&](const std::string&) {
      return ++n_calls == failing ? cudaErrorMemoryAllocation : cudaSuccess;
    };
    const std::string code = code_of([&] { dnn::make_cuda_executor(n.network, {.max_batch = 4, .n_slots = 2}); });
    REQUIRE(code == "device.out_of_memory");
    REQUIRE(machine().n_allocations == 0);
  }
}

TEST_CASE("a batch that fails is an error of its own, and a device that is lost stays lost") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}}}, false, 360);
  const FloatTable rows = random_encoded(n.encoder, 40, 361);
  const auto expected = bits(naive_forward(n, rows.view()));
  const auto executor = dnn::make_cuda_executor(n.network, {.max_batch = 4, .n_slots = 3});
  for (const char* call : {"cudaGraphLaunch", "cudaStreamSynchronize"})
    for (std::size_t failing = 1; failing <= 10; ++failing) {
      std::size_t n_calls = 0;
      machine().fault = [&](const std::string& name) {
        return name == call && ++n_calls == failing ? cudaErrorMemoryAllocation : cudaSuccess;
      };
      CHECK(code_of([&] { forward(*executor, rows.view()); }) == "device.out_of_memory");
      CHECK(bits(forward(*executor, rows.view())) == expected);  // every slot was returned
    }
  machine().fault = [](const std::string& name) {
    return name == "cudaStreamSynchronize" ? cudaErrorIllegalAddress : cudaSuccess;
  };
  CHECK(code_of([&] { forward(*executor, rows.view()); }) == "device.lost");
  std::size_t n_calls = 0;
  machine().fault = [&](const std::string&) { return ++n_calls, cudaSuccess; };
  CHECK(code_of([&] { forward(*executor, rows.view()); }) == "device.lost");
  CHECK(n_calls == 0);
}

TEST_CASE("shapes are checked before anything reaches the device") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}}}, false, 370);
  const auto executor = dnn::make_cuda_executor(n.network);
  std::size_t n_calls = 0;
  machine().fault = [&](const std::string&) { return ++n_calls, cudaSuccess; };
  std::vector<float> margins(2);
  CHECK(code_of([&] { executor->forward(FloatTable(n.encoder.n_encoded() - 1, 2).view(), margins); }) == "shape");
  CHECK(code_of([&] { executor->forward(FloatTable(n.encoder.n_encoded(), 3).view(), margins); }) == "shape");
  CHECK(n_calls == 0);
}

TEST_CASE("in a forked process the executor throws, and is destroyed without a CUDA call") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}}}, false, 380);
  const FloatTable rows = random_encoded(n.encoder, 3, 381);
  auto executor = dnn::make_cuda_executor(n.network);
  const std::size_t before = machine().n_allocations;
  const pid_t child = fork();
  if (child == 0) {
    const bool is_told = code_of([&] { forward(*executor, rows.view()); }) == "device.forked";
    executor.reset();
    _exit(is_told && machine().n_allocations == before ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(bits(forward(*executor, rows.view())) == bits(naive_forward(n, rows.view())));
}

TEST_CASE("automatic uses the device if there is one, and otherwise reports why not") {
  const FreshMachine fresh;
  const RandomNetwork n = random_network({{{16}}}, false, 390);
  const FloatTable rows = random_encoded(n.encoder, 70, 391);
  const auto expected = bits(naive_forward(n, rows.view()));
  std::string why;
  const auto both = dnn::make_executor(n.network, {}, dnn::DenseKernel::automatic, &why);
  CHECK(why.empty());
  CHECK(both->device() == "cpu+cuda:0");
  CHECK(bits(forward(*both, rows.view())) == expected);
  CHECK(dnn::make_executor(n.network, {dnn::Device::cuda, 1})->device() == "cuda:1");
  CHECK(dnn::make_executor(n.network, dnn::Device::cuda)->kernel() == "cuda-sm90");
  machine().n_devices = 0;
  const auto cpu = dnn::make_executor(n.network, {}, dnn::DenseKernel::automatic, &why);
  CHECK(why.find("device.unavailable") != std::string::npos);
  CHECK(cpu->device() == "cpu");
  CHECK(bits(forward(*cpu, rows.view())) == expected);
  CHECK(code_of([&] { dnn::make_executor(n.network, dnn::Device::cuda); }) == "device.unavailable");
}

TEST_CASE("memory is planned before it is allocated") {
  const RandomNetwork n = random_network({{{100}, 8, 4}}, true, 395);
  const auto packed = dnn::cuda::pack(*n.network);
  const auto all = dnn::cuda::plan_memory(packed, 5000, 4, std::size_t{1} << 40);
  CHECK(all.max_batch == 4096);
  CHECK(all.n_slots == 4);
  std::size_t cap = all.n_bytes;
  CHECK(dnn::cuda::plan_memory(packed, 5000, 4, cap).max_batch == 4096);
  CHECK(dnn::cuda::plan_memory(packed, 5000, 4, cap - 1).max_batch == 2048);
  for (; cap > dnn::cuda::weight_bytes(packed) + 100000; cap = cap * 9 / 10) {
    const std::string code = code_of([&] {
      const auto plan = dnn::cuda::plan_memory(packed, 5000, 4, cap);
      CHECK(plan.n_bytes <= cap);
      CHECK((plan.n_slots == 4 || plan.max_batch == 1));
    });
    CHECK((code.empty() || code == "device.out_of_memory"));
  }
}

}  // namespace sluice::test
