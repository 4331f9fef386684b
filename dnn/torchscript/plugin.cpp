// The plug-in of TorchScript files: what torch.jit.script or torch.jit.trace wrote, run by LibTorch.

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <sstream>
#include <string>

#include <torch/script.h>
#include <torch/torch.h>
#include <torch/version.h>

#include "sluice/dnn/network_plugin.h"

namespace {

constexpr const char* kName = "torchscript " TORCH_VERSION;
constexpr int kWarmRuns = 3;  // the graph executor profiles the first, compiles in the second

struct Script {
  torch::jit::Module module;
  torch::jit::Method forward;
  torch::Device device;
};

/// A decision is made on one thread; the caller has others for other decisions.
void use_one_thread() {
  thread_local const bool is_set = [] {
    at::set_num_threads(1);
    // OpenBLAS keeps threads of its own that at::set_num_threads does not know.
    if (const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
    return true;
  }();
  (void)is_set;
}

std::string text_of(const at::Tensor& tensor) {
  std::ostringstream out;
  out << "a tensor " << tensor.sizes() << " of " << tensor.dtype();
  return out.str();
}

/// Margins of rows, checked for what they are.
void run(const Script& script, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins) {
  use_one_thread();
  const c10::InferenceMode no_gradients;
  const auto n = static_cast<std::int64_t>(n_rows), width = static_cast<std::int64_t>(n_columns);
  // A copy: a script may write into its input.
  at::Tensor input = torch::from_blob(const_cast<float*>(rows), {n, width}, torch::kFloat32).clone();
  torch::jit::Method forward = script.forward;
  const c10::IValue output = forward({input.to(script.device)});
  TORCH_CHECK(output.isTensor(), "it gives ", output.tagKind(), " where a tensor is wanted");
  const at::Tensor& given = output.toTensor();
  const bool fits = (given.dim() == 1 || (given.dim() == 2 && given.size(1) == 1)) && given.size(0) == n;
  TORCH_CHECK(fits && given.scalar_type() == torch::kFloat32, "for ", n, " rows it gives ", text_of(given),
              "; [n] or [n, 1] of float is wanted");
  const at::Tensor on_cpu = given.to(torch::kCPU).contiguous();
  std::memcpy(margins, on_cpu.data_ptr<float>(), n_rows * sizeof(float));
}

void warm_up(const Script& script, SluiceSize n_columns) {
  constexpr SluiceSize kMost = 64;
  const std::vector<float> rows(kMost * n_columns, 0.0f);
  std::vector<float> margins(kMost);
  for (const SluiceSize n_rows : {SluiceSize{1}, SluiceSize{2}, kMost})
    for (int k = 0; k < kWarmRuns; ++k) run(script, rows.data(), n_rows, n_columns, margins.data());
}

std::unique_ptr<Script> load(const SluiceNetworkFile& file) {
  use_one_thread();
  const torch::Device device(file.device);
  TORCH_CHECK(!device.is_cuda() || device.index() < static_cast<int>(torch::cuda::device_count()),
              "there is no device ", device, " for this LibTorch");
  std::istringstream bytes(std::string(static_cast<const char*>(file.bytes), file.n_bytes));
  torch::jit::Module module = torch::jit::load(bytes, device);
  module.eval();
  TORCH_CHECK(module.find_method("forward"), "the module has no forward");
  auto script = std::make_unique<Script>(Script{module, module.get_method("forward"), device});
  warm_up(*script, file.n_columns);
  return script;
}

/// Runs `act`; false, and the reason in `error`, where it throws.
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
    say("an exception of an unknown kind");
  }
  return false;
}

void* open(const SluiceNetworkFile* file, char* error, SluiceSize error_size) {
  std::unique_ptr<Script> script;
  return guarded(error, error_size, [&] { script = load(*file); }) ? script.release() : nullptr;
}

int forward(const void* network, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins,
            char* error, SluiceSize error_size) {
  const auto& script = *static_cast<const Script*>(network);
  return guarded(error, error_size, [&] { run(script, rows, n_rows, n_columns, margins); }) ? 0 : 1;
}

void close(void* network) { delete static_cast<Script*>(network); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const SluiceNetworkPlugin* sluice_network_plugin(void) {
  static constexpr SluiceNetworkPlugin kPlugin = {SLUICE_NETWORK_PLUGIN_VERSION, kName, open, forward, close};
  return &kPlugin;
}
