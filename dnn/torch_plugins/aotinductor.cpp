// The plug-in of AOTInductor packages (.pt2): the output of torch._inductor.aoti_compile_and_package, from LibTorch 2.6
// on.

#include <sys/mman.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/version.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "sluice/dnn/torch_plugins/margins.h"

namespace {

/// The bytes under a path, because the loader reads only files.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("network.pt2", MFD_CLOEXEC)) {}
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void write(const void* bytes, SluiceSize n_bytes) {
    for (const auto *at = static_cast<const char*>(bytes), *end = at + n_bytes; at < end;) {
      const ssize_t n = ::write(descriptor_, at, static_cast<std::size_t>(end - at));
      TORCH_CHECK(n > 0, "the package cannot be copied into memory");
      at += n;
    }
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

struct Package {
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loader;
  torch::Device device;
};

void run(const Package& package, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins) {
  use_one_thread();
  const c10::InferenceMode no_gradients;
  const std::vector<at::Tensor> outputs = package.loader->run({input_of(rows, n_rows, n_columns, package.device)});
  TORCH_CHECK(outputs.size() == 1, "it returns ", outputs.size(), " tensors, expected one");
  take_margins(outputs[0], n_rows, margins);
}

std::unique_ptr<Package> load(const SluiceNetworkFile& file) {
  use_one_thread();
  const torch::Device device = device_of(file);
  MemoryFile memory;
  memory.write(file.bytes, file.n_bytes);
  // This number of threads runs without waiting.
  const std::size_t n_runners = std::max(1u, std::thread::hardware_concurrency());
  auto package = std::make_unique<Package>(Package{std::make_unique<torch::inductor::AOTIModelPackageLoader>(
                                                       memory.path(), "model", false, n_runners, device.index()),
                                                   device});
  const auto metadata = package->loader->get_metadata();
  if (const auto built_for = metadata.find("AOTI_DEVICE_KEY"); built_for != metadata.end())
    TORCH_CHECK(built_for->second == c10::DeviceTypeName(device.type(), true), "it was compiled for ",
                built_for->second);
  warm_up(file.n_columns, [&](const float* rows, SluiceSize n_rows, float* margins) {
    run(*package, rows, n_rows, file.n_columns, margins);
  });
  return package;
}

void* open(const SluiceNetworkFile* file, char* error, SluiceSize error_size) {
  std::unique_ptr<Package> package;
  return guarded(error, error_size, [&] { package = load(*file); }) ? package.release() : nullptr;
}

int forward(const void* network, const float* rows, SluiceSize n_rows, SluiceSize n_columns, float* margins,
            char* error, SluiceSize error_size) {
  const auto& package = *static_cast<const Package*>(network);
  return guarded(error, error_size, [&] { run(package, rows, n_rows, n_columns, margins); }) ? 0 : 1;
}

void close(void* network) { delete static_cast<Package*>(network); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const SluiceNetworkPlugin* sluice_network_plugin(void) {
  static constexpr SluiceNetworkPlugin kPlugin = {SLUICE_NETWORK_PLUGIN_VERSION, "aotinductor " TORCH_VERSION, open,
                                                  forward, close};
  return &kPlugin;
}
