#pragma once
/// Runs a network on a device. The engine uses only this interface, so that devices can be added.
///
/// Exactness: every output is one fused multiply-add chain over its inputs in their order, in float32. The bits do not
/// depend on the batch's size, a row's place in it, the thread or the instruction set. Weights are copied into the
/// device's own layout when it is made. A CPU forward needs up to 300 KiB of stack and allocates nothing.
/// Thread-safety: const calls are thread-safe.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/dnn/network.h"

namespace sluice::dnn {

enum class Device { automatic, cpu, cuda };

/// A device and its number: Device::cuda alone is the first.
struct DeviceChoice {
  Device kind = Device::automatic;
  int index = 0;

  DeviceChoice() = default;
  DeviceChoice(Device device, int n = 0) : kind(device), index(n) {}
  bool operator==(const DeviceChoice&) const = default;
};

/// The float32 kernels give the same bits. avx512_bf16 rounds weights and activations to bf16 and sums in float32: it
/// has bits of its own, the same for every batch and thread. `automatic` never chooses it; compare it with float32
/// first (parity.h).
enum class DenseKernel { automatic, scalar, avx2, avx512, avx512_bf16 };

class Executor {
 public:
  virtual ~Executor() = default;

  /// Writes the margins [n_rows, n_outputs] of encoded rows [n_rows, n_encoded]. A row that overflows gives a
  /// non-finite margin, which the caller must check. Throws Error{shape} on a wrong shape, Error{device.*} if the
  /// device fails.
  virtual void forward(BatchView encoded, std::span<float> margins) const = 0;

  /// 1, or the number of classes.
  virtual std::size_t n_outputs() const { return 1; }
  virtual std::string_view device() const = 0;  // "cpu", "cuda:0"
  virtual std::string_view kernel() const = 0;  // "avx512", "cuda-sm90"

  /// The device that serves a batch of this number of rows. With several devices it can depend on the number
  /// (crossover.h).
  virtual std::string_view device_for(std::size_t n_rows) const {
    (void)n_rows;
    return device();
  }
};

/// If a named device or kernel is not available, throws Error{device.*}: never a silent fallback. Device::automatic
/// measures from which batch size a CUDA device is faster than the CPU and uses both (crossover.h). Without a usable
/// CUDA device it uses the CPU, and `why_cpu` is the reason. A named kernel is a CPU kernel.
std::unique_ptr<Executor> make_executor(std::shared_ptr<const Network> network, DeviceChoice device = {},
                                        DenseKernel kernel = DenseKernel::automatic, std::string* why_cpu = nullptr);

/// The float32 kernels that this processor can run, slowest first.
std::vector<DenseKernel> dense_kernels();
bool has_kernel(DenseKernel kernel);
std::string_view to_string(DenseKernel kernel);

/// Whether this build can run networks on CUDA devices, present or not.
bool has_cuda_executor();

/// "auto", "cpu", "cuda", "cuda:N". Throws Error{device.name}.
DeviceChoice parse_device(std::string_view name);

}  // namespace sluice::dnn
