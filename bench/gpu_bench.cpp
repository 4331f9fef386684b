/// The CUDA executor: gpu_bench FOLDER [DEVICE]. Prints one JSON object, and leaves networks, rows and margins in
/// FOLDER for bench/gpu_peer.py, which runs the same with PyTorch.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "gpu_network.h"
#include "sluice/base/error.h"
#include "sluice/dnn/cuda/cuda_executor.h"
#include "sluice/dnn/cuda/device_network.h"

namespace sluice::bench {
namespace {

using nlohmann::json;
using namespace dnn::cuda;

/// A network and a workspace of the benchmark's own, to time the device's work apart from the executor's.
struct Bare {
  Bare(const GpuNetwork& from, std::size_t n_rows, int device)
      : network(pack(*from.network), processors(device)),
        n(n_rows),
        layout(layout_of(network.packed(), n_rows)),
        workspace(device_bytes(layout.n_floats * sizeof(float), "a workspace")),
        encoded(pinned_floats(n_rows * network.packed().n_encoded, "rows")),
        margins(pinned_floats(n_rows, "margins")),
        stream(new_stream()) {
    const FloatTable rows = random_rows(from, n_rows);
    std::copy_n(rows.view().data, n_rows * network.packed().n_encoded, encoded.get());
    copy_in();
    finish();
  }
  static std::size_t processors(int device) {
    int count = 0;
    check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device), "processors");
    return static_cast<std::size_t>(count);
  }

  float* floats() const { return reinterpret_cast<float*>(workspace.get()); }
  void copy_in() const {
    check(cudaMemcpyAsync(floats() + layout.encoded, encoded.get(), n * network.packed().n_encoded * sizeof(float),
                          cudaMemcpyHostToDevice, stream.get()),
          "copy");
  }
  void compute() const { network.enqueue(floats(), layout, n, stream.get()); }
  void copy_out() const {
    check(cudaMemcpyAsync(margins.get(), floats() + layout.margins, n * sizeof(float), cudaMemcpyDeviceToHost,
                          stream.get()),
          "copy");
  }
  void finish() const { check(cudaStreamSynchronize(stream.get()), "a pass"); }

  DeviceNetwork network;
  std::size_t n;
  WorkspaceLayout layout;
  DeviceBytes workspace;
  PinnedFloats encoded, margins;
  Stream stream;
};

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double quantile(std::vector<double> times, double q) {
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

/// Microseconds of a call, after a hundred that do not count.
json call_us(std::size_t n_calls, const std::function<void()>& call) {
  for (int i = 0; i < 100; ++i) call();
  std::vector<double> us;
  for (std::size_t i = 0; i < n_calls; ++i) us.push_back(1e6 * seconds(call));
  return {{"p50_us", quantile(us, 0.5)}, {"p99_us", quantile(us, 0.99)}};
}

/// The median over `n_repeats` of the seconds that one of `n_passes` passes in a row takes.
double pass_seconds(const Bare& bare, std::size_t n_passes, const std::function<void()>& pass) {
  std::vector<double> times;
  for (int repeat = 0; repeat < 8; ++repeat) {
    const double all = seconds([&] {
      for (std::size_t i = 0; i < n_passes; ++i) pass();
      bare.finish();
    });
    if (repeat > 0) times.push_back(all / static_cast<double>(n_passes));
  }
  return quantile(times, 0.5);
}

json device_resident(const GpuNetwork& network, std::size_t n_rows, int device) {
  const Bare bare(network, n_rows, device);
  const double s = pass_seconds(bare, 20, [&] { bare.compute(); });
  const double rows_per_s = static_cast<double>(n_rows) / s;
  return {{"rows", n_rows}, {"rows_per_s", rows_per_s}, {"fma_per_s", rows_per_s * network.n_fma()}};
}

/// Batches with their copies: the executor's graph beside the same launches one by one.
json small_batches(const GpuNetwork& network, const dnn::Executor& executor, int device) {
  json out = json::array();
  for (const std::size_t n_rows : {1, 8, 64, 256}) {
    const Bare bare(network, n_rows, device);
    const FloatTable rows = random_rows(network, n_rows);
    std::vector<float> margins(n_rows);
    const json graph = call_us(5000, [&] { executor.forward(rows.view(), margins); });
    const json eager = call_us(5000, [&] { bare.copy_in(), bare.compute(), bare.copy_out(), bare.finish(); });
    out.push_back({{"rows", n_rows}, {"graph", graph}, {"eager", eager}});
  }
  return out;
}

/// A long batch: what its chunks take together, and their copies and computation each alone.
json long_batch(const GpuNetwork& network, int device) {
  constexpr std::size_t kChunk = 16384, kChunks = 64;
  const FloatTable rows = random_rows(network, kChunk * kChunks);
  std::vector<float> margins(rows.n_rows());
  const auto executor = dnn::make_cuda_executor(network.network, {.device = device, .max_batch = kChunk});
  std::vector<double> times;
  for (int repeat = 0; repeat < 6; ++repeat) {
    const double s = seconds([&] { executor->forward(rows.view(), margins); });
    if (repeat > 0) times.push_back(s);
  }
  const double all = quantile(times, 0.5);
  const Bare bare(network, kChunk, device);
  const double copies = kChunks * pass_seconds(bare, 20, [&] { bare.copy_in(), bare.copy_out(); });
  const double compute = kChunks * pass_seconds(bare, 20, [&] { bare.compute(); });
  return {
      {"rows", rows.n_rows()},
      {"rows_per_s", static_cast<double>(rows.n_rows()) / all},
      {"seconds", all},
      {"copies_alone_s", copies},
      {"compute_alone_s", compute},
      {"share_of_copies_beside_compute", std::clamp((copies + compute - all) / std::min(copies, compute), 0.0, 1.0)},
      {"share_of_time_computing", std::min(1.0, compute / all)}};
}

json eight_threads(const GpuNetwork& network, const dnn::Executor& executor) {
  constexpr std::size_t kThreads = 8, kCalls = 2000, kRows = 64;
  const FloatTable rows = random_rows(network, kRows);
  std::vector<std::vector<double>> us(kThreads);
  const double all = seconds([&] {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        std::vector<float> margins(kRows);
        for (std::size_t i = 0; i < kCalls; ++i)
          us[t].push_back(1e6 * seconds([&] { executor.forward(rows.view(), margins); }));
      });
    for (auto& thread : threads) thread.join();
  });
  std::vector<double> calls;
  for (const auto& of_thread : us) calls.insert(calls.end(), of_thread.begin(), of_thread.end());
  return {{"rows", kRows},
          {"rows_per_s", kThreads * kCalls * kRows / all},
          {"p50_us", quantile(calls, 0.5)},
          {"p99_us", quantile(calls, 0.99)}};
}

json measure(const GpuNetwork& network, std::size_t n_resident, const std::string& folder, int device) {
  const auto executor = dnn::make_cuda_executor(network.network, {.device = device});
  const FloatTable rows = random_rows(network, 1024);
  std::vector<float> margins(rows.n_rows());
  executor->forward(rows.view(), margins);
  write_case(network, rows, margins, folder);
  return {{"kernel", executor->kernel()},
          {"fma_per_row", network.n_fma()},
          {"device_resident", device_resident(network, n_resident, device)},
          {"small_batches", small_batches(network, *executor, device)},
          {"long_batch", long_batch(network, device)},
          {"eight_threads", eight_threads(network, *executor)}};
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  if (argc < 2) return std::fprintf(stderr, "usage: gpu_bench FOLDER [DEVICE]\n"), 2;
  const int device = argc > 2 ? std::atoi(argv[2]) : 0;
  try {
    const DeviceScope scope(device);
    json out = json::object();
    out["mlp_64_256x3"] = measure(gpu_network("mlp_64_256x3", 64, {256, 256, 256}, 1), 131072, argv[1], device);
    out["tabm_64_k32_512x2"] = measure(gpu_network("tabm_64_k32_512x2", 64, {512, 512}, 32), 16384, argv[1], device);
    std::puts(out.dump(1).c_str());
  } catch (const sluice::Error& error) {
    return std::fprintf(stderr, "error: %s\n", error.what()), 1;
  }
}
