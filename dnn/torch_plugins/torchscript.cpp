// The plug-in of TorchScript files: the output of torch.jit.script or torch.jit.trace, run by LibTorch.

#include <torch/script.h>
#include <torch/version.h>

#include <memory>

#include "sluice/dnn/torch_plugins/margins.h"

namespace {

struct Script {
  torch::jit::Module module;
  torch::jit::Method forward;
  torch::Device device;
};

void run(const Script& script, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins) {
  use_one_thread();
  const c10::InferenceMode no_gradients;
  torch::jit::Method forward = script.forward;
  const c10::IValue output = forward({input_of(rows, n_rows, n_columns, script.device)});
  TORCH_CHECK(output.isTensor(), "it returns ", output.tagKind(), ", expected a tensor");
  take_margins(output.toTensor(), n_rows, margins);
}

std::unique_ptr<Script> load(const SluiceNetworkFile& file) {
  use_one_thread();
  const torch::Device device = device_of(file);
  std::istringstream bytes(std::string(static_cast<const char*>(file.bytes), file.n_bytes));
  torch::jit::Module module = torch::jit::load(bytes, device);
  module.eval();
  TORCH_CHECK(module.find_method("forward"), "the module has no method forward");
  auto script = std::make_unique<Script>(Script{module, module.get_method("forward"), device});
  warm_up(file.n_columns, [&](const float* rows, SluiceSize n_rows, float* margins) {
    run(*script, rows, n_rows, file.n_columns, margins);
  });
  return script;
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
  static constexpr SluiceNetworkPlugin kPlugin = {SLUICE_NETWORK_PLUGIN_VERSION, "torchscript " TORCH_VERSION, open,
                                                  forward, close};
  return &kPlugin;
}
