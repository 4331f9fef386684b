#include "sluice/dnn/executor.h"

#include <charconv>
#include <utility>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/dnn/crossover.h"
#include "sluice/dnn/cuda/cuda_executor.h"
#include "sluice/dnn/infer/dense_kernel.h"

namespace sluice::dnn {
namespace {

class CpuExecutor final : public Executor {
 public:
  CpuExecutor(std::shared_ptr<const Network> network, const DenseFunctions& functions, std::string_view kernel_name)
      : network_(std::move(network), functions.layout), forward_(functions.forward), kernel_name_(kernel_name) {}

  void forward(BatchView encoded, std::span<float> margins) const override {
    const std::size_t n_encoded = network_.network->encoder().n_encoded();
    if (encoded.n_columns != n_encoded)
      throw Error("shape", "the network reads " + std::to_string(n_encoded) + " encoded inputs a row, not " +
                               std::to_string(encoded.n_columns));
    if (margins.size() < encoded.n_rows * n_outputs())
      throw Error("shape", "the output holds " + std::to_string(margins.size()) + " margins, " +
                               std::to_string(encoded.n_rows * n_outputs()) + " are required");
    forward_(network_, encoded, margins.data());
  }
  std::size_t n_outputs() const override { return network_.network->n_outputs(); }
  std::string_view device() const override { return "cpu"; }
  std::string_view kernel() const override { return kernel_name_; }

 private:
  PackedNetwork network_;
  void (*forward_)(const PackedNetwork&, BatchView, float*);
  std::string_view kernel_name_;
};

DenseFunctions functions_of(DenseKernel kernel) {
#if defined(__x86_64__)
  if (kernel == DenseKernel::avx2) return dense_avx2();
  if (kernel == DenseKernel::avx512) return dense_avx512();
  if (kernel == DenseKernel::avx512_bf16) return dense_avx512_bf16();
#endif
  return dense_scalar();
}

}  // namespace

bool has_kernel(DenseKernel kernel) {
#if defined(__x86_64__)
  if (kernel == DenseKernel::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (kernel == DenseKernel::avx512) return __builtin_cpu_supports("avx512f");
  if (kernel == DenseKernel::avx512_bf16) return __builtin_cpu_supports("avx512bf16");
#endif
  return kernel == DenseKernel::scalar || kernel == DenseKernel::automatic;
}

std::vector<DenseKernel> dense_kernels() {
  std::vector<DenseKernel> kernels;
  for (const auto kernel : {DenseKernel::scalar, DenseKernel::avx2, DenseKernel::avx512})
    if (has_kernel(kernel)) kernels.push_back(kernel);
  return kernels;
}

std::string_view to_string(DenseKernel kernel) {
  switch (kernel) {
    case DenseKernel::automatic:
      return "auto";
    case DenseKernel::scalar:
      return "scalar";
    case DenseKernel::avx2:
      return "avx2";
    case DenseKernel::avx512:
      return "avx512";
    case DenseKernel::avx512_bf16:
      return "avx512-bf16";
  }
  return "?";
}

DeviceChoice parse_device(std::string_view name) {
  if (name == "auto") return Device::automatic;
  if (name == "cpu") return Device::cpu;
  if (name == "cuda") return Device::cuda;
  int index = 0;
  if (name.starts_with("cuda:")) {
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
    if (error == std::errc() && end == name.data() + name.size() && index >= 0) return {Device::cuda, index};
  }
  throw Error("device.name", "unknown device \"" + excerpt(name) + "\"", "use auto, cpu, cuda or cuda:N");
}

std::unique_ptr<Executor> make_executor(std::shared_ptr<const Network> network, DeviceChoice device, DenseKernel kernel,
                                        std::string* why_cpu) {
  if (device.kind == Device::cuda) return make_cuda_executor(std::move(network), {.device = device.index});
  const DenseKernel chosen = kernel == DenseKernel::automatic ? dense_kernels().back() : kernel;
  if (!has_kernel(chosen))
    throw Error("device.unavailable", "this processor has no " + std::string(to_string(chosen)) + " kernel",
                "use the kernel auto");
  const std::size_t n_encoded = network->encoder().n_encoded();
  auto cpu = std::make_unique<CpuExecutor>(network, functions_of(chosen), to_string(chosen));
  if (device.kind == Device::cpu || kernel != DenseKernel::automatic) return cpu;
  std::unique_ptr<Executor> cuda;
  try {
    cuda = make_cuda_executor(std::move(network));
  } catch (const Error& error) {
    if (why_cpu) *why_cpu = error.what();
    return cpu;
  }
  const std::size_t from_rows = measure_crossover(*cpu, *cuda, n_encoded);
  return make_crossover_executor(std::move(cpu), std::move(cuda), from_rows);
}

}  // namespace sluice::dnn
