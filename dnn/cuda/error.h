#pragma once
/// Maps CUDA's error codes to Sluice's. Not installed.
///
///     device.unavailable     no device, none with this number, or one for which this build has no code
///     device.driver          the driver is missing, too old or incompatible
///     device.out_of_memory   the device's or its host's memory
///     device.lost            the device's context is invalid for this process: every later call fails
///     device.failed          everything else

#include <cuda_runtime_api.h>

#include <string>
#include <string_view>

namespace sluice::dnn::cuda {

std::string_view code_of(cudaError_t error);

/// Whether every later call of this process fails as well ("sticky" in CUDA's manual).
inline bool is_lost(cudaError_t error) { return code_of(error) == "device.lost"; }

/// Throws Error with CUDA's message. `what` completes "CUDA failed to".
[[noreturn]] void raise(cudaError_t error, std::string_view what);

inline void check(cudaError_t error, std::string_view what) {
  if (error != cudaSuccess) raise(error, what);
}

}  // namespace sluice::dnn::cuda
