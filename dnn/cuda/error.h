#pragma once
/// CUDA's error codes as Sluice's. Not installed.
///
///     device.unavailable     no device, none of this number, or one that this build has no code for
///     device.driver          a driver that is missing, too old or does not fit
///     device.out_of_memory   the device's or its host's memory
///     device.lost            the device's context is gone for this process: nothing that follows can succeed
///     device.failed          everything else

#include <cuda_runtime_api.h>

#include <string>
#include <string_view>

namespace sluice::dnn::cuda {

std::string_view code_of(cudaError_t error);

/// Whether every later call of this process fails as well ("sticky" in CUDA's manual).
inline bool is_lost(cudaError_t error) { return code_of(error) == "device.lost"; }

/// Throws Error with what CUDA says of it. `what` was being done.
[[noreturn]] void raise(cudaError_t error, std::string_view what);

inline void check(cudaError_t error, std::string_view what) {
  if (error != cudaSuccess) raise(error, what);
}

}  // namespace sluice::dnn::cuda
