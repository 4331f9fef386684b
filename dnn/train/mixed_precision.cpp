#include "sluice/dnn/train/mixed_precision.h"

#include <ATen/autocast_mode.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <string>

#include "sluice/base/error.h"

namespace sluice::dnn {
namespace {

void switch_autocast(torch::Device device, bool is_on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_enabled(device.type(), is_on);
#else
  device.is_cuda() ? at::autocast::set_enabled(is_on) : at::autocast::set_cpu_enabled(is_on);
#endif
}

void set_type(torch::Device device, torch::ScalarType type) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_dtype(device.type(), type);
#else
  device.is_cuda() ? at::autocast::set_autocast_gpu_dtype(type) : at::autocast::set_autocast_cpu_dtype(type);
#endif
}

}  // namespace

torch::Device training_device(const TrainerOptions& options) {
  if (options.device.kind == Device::cpu) {
    if (options.precision == Precision::fp16)
      throw Error("training.precision", "the CPU cannot train in fp16", "use bf16 or float32, or a CUDA device");
    return torch::kCPU;
  }
  if (options.device.kind != Device::cuda)
    throw Error("training.options", "training does not support the device \"auto\"", "use cpu or cuda");
  if (!torch::cuda::is_available())
    throw Error("device.unavailable", "LibTorch " + torch_version() + " finds no CUDA device to train on",
                "use the device cpu, or build with a LibTorch that has CUDA");
  const auto n_devices = static_cast<int>(torch::cuda::device_count());
  if (options.device.index < 0 || options.device.index >= n_devices)
    throw Error("device.unavailable", "no CUDA device " + std::to_string(options.device.index),
                "the number of devices that this process sees is " + std::to_string(n_devices));
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(options.device.index)};
}

Autocast::Autocast(Precision precision, torch::Device device)
    : is_on_(precision != Precision::float32), device_(device) {
  if (!is_on_) return;
  set_type(device_, precision == Precision::fp16 ? torch::kHalf : torch::kBFloat16);
  at::autocast::increment_nesting();
  switch_autocast(device_, true);
}

Autocast::~Autocast() {
  if (!is_on_) return;
  switch_autocast(device_, false);
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

}  // namespace sluice::dnn
