#pragma once
// Shared by the plug-ins of LibTorch's two kinds of file: threads, errors as text, and the check that an output is
// margins.

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "sluice/dnn/network_plugin.h"

namespace {

/// A decision uses one thread; the caller has others for other decisions.
void use_one_thread() {
  thread_local const bool is_set = [] {
    at::set_num_threads(1);
    // OpenBLAS has threads of its own, which at::set_num_threads does not affect.
    if (const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
    return true;
  }();
  (void)is_set;
}

torch::Device device_of(const SluiceNetworkFile& file) {
  const torch::Device device(file.device);
  TORCH_CHECK(!device.is_cuda() || device.index() < static_cast<int>(torch::cuda::device_count()),
              "this LibTorch has no device ", device, "");
  return device;
}

/// A copy, because a network may write into its input.
at::Tensor input_of(const float* rows, SluiceSize n_rows, SluiceSize n_columns, torch::Device device) {
  const auto n = static_cast<std::int64_t>(n_rows), width = static_cast<std::int64_t>(n_columns);
  return torch::from_blob(const_cast<float*>(rows), {n, width}, torch::kFloat32).clone().to(device);
}

/// Checks and copies a network's output.
void take_margins(const at::Tensor& given, SluiceSize n_rows, float* margins) {
  const auto n = static_cast<std::int64_t>(n_rows);
  const bool fits = (given.dim() == 1 || (given.dim() == 2 && given.size(1) == 1)) && given.size(0) == n;
  TORCH_CHECK(fits && given.scalar_type() == torch::kFloat32, "for ", n, " rows it returns a tensor ", given.sizes(),
              " of ", given.dtype(), "; expected [n] or [n, 1] of float");
  const at::Tensor on_cpu = given.to(torch::kCPU).contiguous();
  std::memcpy(margins, on_cpu.data_ptr<float>(), n_rows * sizeof(float));
}

/// Runs with 1, 2 and 64 rows of zeros, each until compilation is complete: the graph executor profiles the first run
/// and compiles in the second.
template <class Run>
void warm_up(SluiceSize n_columns, const Run& run) {
  constexpr SluiceSize kMax = 64;
  const std::vector<float> rows(kMax * n_columns, 0.0f);
  std::vector<float> margins(kMax);
  for (const SluiceSize n_rows : {SluiceSize{1}, SluiceSize{2}, kMax})
    for (int k = 0; k < 3; ++k) run(rows.data(), n_rows, margins.data());
}

/// Runs `act`. If it throws, returns false and writes the reason to `error`.
template <class Act>
bool guarded(char* error, SluiceSize error_size, const Act& act) {
  const auto say = [&](const char* why) {
    if (error_size == 0) return;
    const std::size_t length = std::min<std::size_t>(std::strlen(why), error_size - 1);
    std::memcpy(error, why, length);
    error[length] = '\0';
  };
  try {
    return act(), true;
  } catch (const c10::Error& e) {
    say(e.what_without_backtrace());
  } catch (const std::exception& e) {
    say(e.what());
  } catch (...) {
    say("an exception of unknown type");
  }
  return false;
}

}  // namespace
