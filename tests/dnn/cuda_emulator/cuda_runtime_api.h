#pragma once
/// The part of CUDA's runtime that Sluice's executor uses, on the CPU. The executor and its kernels are compiled with
/// this header instead of CUDA's, so that all their threads, barriers, copies and graphs run without a device.
///
/// Work on a stream, and asynchronous copies to shared memory, complete immediately or as late as CUDA allows. A
/// block's threads run one after the other from barrier to barrier, forwards or backwards. The tests try all
/// combinations: code that depends on a lucky order gives wrong results.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#define __global__
#define __device__
#define __shared__ static  // one block runs at a time, in one thread at a time
#define __launch_bounds__(...)

enum cudaError_t {
  cudaSuccess,
  cudaErrorNoDevice,
  cudaErrorInvalidDevice,
  cudaErrorInitializationError,
  cudaErrorDevicesUnavailable,
  cudaErrorDeviceNotLicensed,
  cudaErrorNoKernelImageForDevice,
  cudaErrorUnsupportedPtxVersion,
  cudaErrorInsufficientDriver,
  cudaErrorCallRequiresNewerDriver,
  cudaErrorStubLibrary,
  cudaErrorSystemDriverMismatch,
  cudaErrorCompatNotSupportedOnDevice,
  cudaErrorSystemNotReady,
  cudaErrorMemoryAllocation,
  cudaErrorIllegalAddress,
  cudaErrorLaunchTimeout,
  cudaErrorHardwareStackError,
  cudaErrorIllegalInstruction,
  cudaErrorMisalignedAddress,
  cudaErrorInvalidAddressSpace,
  cudaErrorInvalidPc,
  cudaErrorLaunchFailure,
  cudaErrorAssert,
  cudaErrorECCUncorrectable,
  cudaErrorNvlinkUncorrectable,
  cudaErrorContextIsDestroyed,
  cudaErrorCudartUnloading,
  cudaErrorInvalidValue
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
enum cudaDeviceAttr {
  cudaDevAttrComputeCapabilityMajor,
  cudaDevAttrComputeCapabilityMinor,
  cudaDevAttrMultiProcessorCount
};
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaHostAllocPortable = 1;

namespace cuda_emulator {

using Work = std::vector<std::function<void()>>;
struct Stream {
  bool is_captured = false;
  Work captured, waiting;
};

/// The device, and the faults that a test injects.
struct Machine {
  int n_devices = 2;
  int driver_version = 13000;
  int n_processors = 2;  // few, so that small networks use large tiles too
  std::size_t free_bytes = std::size_t{1} << 30;
  bool is_backwards = false, is_late = false;
  std::function<cudaError_t(const std::string& call)> fault;  // called before every call
  std::size_t n_allocations = 0;                              // of memory, streams and graphs that are not released
  std::recursive_mutex mutex;
};
Machine& machine();

/// Runs body() once for each thread of a block.
void run_block(unsigned n_threads, const std::function<void(unsigned thread)>& body);
void barrier();
void copy_later(void* to, const void* from, std::size_t n_bytes);
void commit_copies();
void wait_for_copies(std::size_t n_left);

}  // namespace cuda_emulator

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned nx = 1, unsigned ny = 1) : x(nx), y(ny), z(1) {}
};
inline thread_local dim3 threadIdx, blockIdx;

using cudaStream_t = cuda_emulator::Stream*;
using cudaGraph_t = cuda_emulator::Work*;
struct cudaGraphExec {
  cuda_emulator::Work work;
};
using cudaGraphExec_t = cudaGraphExec*;

cudaError_t cudaGetDeviceCount(int* n);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMalloc(void** memory, std::size_t n_bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaHostAlloc(void** memory, std::size_t n_bytes, unsigned flags);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemset(void* memory, int value, std::size_t n_bytes);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t enqueue_emulated(const char* call, std::function<void()> work, cudaStream_t stream);

template <class Argument>
cudaError_t cudaLaunchKernel(void (*kernel)(Argument), dim3 grid, dim3 block, void** arguments, std::size_t,
                             cudaStream_t stream) {
  const Argument argument = *static_cast<const Argument*>(arguments[0]);
  return enqueue_emulated(
      "cudaLaunchKernel",
      [=] {
        for (unsigned b = 0; b < grid.x * grid.y; ++b) {
          cuda_emulator::run_block(block.x * block.y, [&](unsigned t) {
            blockIdx = dim3(b % grid.x, b / grid.x);
            threadIdx = dim3(t % block.x, t / block.x);
            kernel(argument);
          });
        }
      },
      stream);
}
