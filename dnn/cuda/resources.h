#pragma once
/// Owners of CUDA's resources. Not installed.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "sluice/dnn/cuda/error.h"

namespace sluice::dnn::cuda {

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* handle) const {
    // Ignores errors: an earlier call has reported them.
    destroy(handle);
  }
};

using DeviceBytes = std::unique_ptr<std::byte, Destroy<static_cast<cudaError_t (*)(void*)>(cudaFree)>>;
using PinnedFloats = std::unique_ptr<float, Destroy<static_cast<cudaError_t (*)(void*)>(cudaFreeHost)>>;
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, Destroy<cudaStreamDestroy>>;
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, Destroy<cudaGraphDestroy>>;
using GraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, Destroy<cudaGraphExecDestroy>>;

/// Zeroed, so that no computation depends on earlier contents.
inline DeviceBytes device_bytes(std::size_t n_bytes, std::string_view what) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, n_bytes > 0 ? n_bytes : 1), what);
  DeviceBytes owner(static_cast<std::byte*>(memory));
  check(cudaMemset(memory, 0, n_bytes), what);
  check(cudaStreamSynchronize(nullptr), what);  // the streams here do not wait for the default stream
  return owner;
}

inline PinnedFloats pinned_floats(std::size_t n, std::string_view what) {
  void* memory = nullptr;
  check(cudaHostAlloc(&memory, n * sizeof(float), cudaHostAllocPortable), what);
  PinnedFloats owner(static_cast<float*>(memory));
  for (std::size_t i = 0; i < n; ++i) owner.get()[i] = 0;
  return owner;
}

inline Stream new_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "create a stream");
  return Stream(stream);
}

/// Selects a device for the thread, and restores the previous one in the destructor.
class DeviceScope {
 public:
  explicit DeviceScope(int device) {
    check(cudaGetDevice(&before_), "read the thread's device");
    if (before_ != device) check(cudaSetDevice(device), "select device " + std::to_string(device));
    changed_ = before_ != device;
  }
  ~DeviceScope() {
    if (changed_) cudaSetDevice(before_);
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace sluice::dnn::cuda
