#include <ucontext.h>

#include <array>
#include <memory>

#include "cuda_runtime_api.h"

namespace cuda_emulator {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024, kMaxThreads = 256;

struct Copy {
  void* to;
  const void* from;
  std::size_t n_bytes;
  void run() const { std::memcpy(to, from, n_bytes); }
};

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack;
  bool is_done = false;
  std::vector<std::vector<Copy>> groups = {{}};  // the last one is open
};

/// One block runs at a time: Machine::mutex is held.
std::array<Fiber, kMaxThreads> fibers;
ucontext_t scheduler;
Fiber* current = nullptr;
const std::function<void(unsigned)>* block_body = nullptr;

void enter(int thread) {
  (*block_body)(static_cast<unsigned>(thread));
  fibers[static_cast<std::size_t>(thread)].is_done = true;
}

void prepare(Fiber& fiber, unsigned thread) {
  if (!fiber.stack) fiber.stack = std::make_unique<char[]>(kStackBytes);
  fiber.is_done = false;
  fiber.groups = {{}};
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = &scheduler;
  makecontext(&fiber.context, reinterpret_cast<void (*)()>(enter), 1, static_cast<int>(thread));
}

}  // namespace

Machine& machine() {
  static Machine the_machine;
  return the_machine;
}

void run_block(unsigned n_threads, const std::function<void(unsigned)>& body) {
  block_body = &body;
  for (unsigned t = 0; t < n_threads; ++t) prepare(fibers[t], t);
  for (bool all_done = false; !all_done;) {  // each round ends at a barrier, or at the end
    all_done = true;
    for (unsigned i = 0; i < n_threads; ++i) {
      current = &fibers[machine().is_backwards ? n_threads - 1 - i : i];
      if (current->is_done) continue;
      swapcontext(&scheduler, &current->context);
      all_done = false;
    }
  }
}

void barrier() {
  const dim3 thread = threadIdx, block = blockIdx;
  swapcontext(&current->context, &scheduler);
  threadIdx = thread, blockIdx = block;
}

void copy_later(void* to, const void* from, std::size_t n_bytes) {
  const Copy copy{to, from, n_bytes};
  if (machine().is_late)
    current->groups.back().push_back(copy);
  else
    copy.run();
}

void commit_copies() { current->groups.emplace_back(); }

void wait_for_copies(std::size_t n_left) {
  auto& groups = current->groups;
  while (groups.size() - 1 > n_left) {
    for (const Copy& copy : groups.front()) copy.run();
    groups.erase(groups.begin());
  }
}

namespace {

cudaError_t asked(const char* call) { return machine().fault ? machine().fault(call) : cudaSuccess; }

void run_all(Work& work) {
  for (const auto& step : work) step();
  work.clear();
}

thread_local int the_device = 0;

}  // namespace
}  // namespace cuda_emulator

using cuda_emulator::asked;
using cuda_emulator::machine;

/// A call that a test may fail, under the machine's lock.
#define EMULATED(call)                          \
  const std::scoped_lock lock(machine().mutex); \
  if (const cudaError_t error = asked(call); error != cudaSuccess) return error

cudaError_t cudaGetDeviceCount(int* n) {
  EMULATED("cudaGetDeviceCount");
  *n = machine().n_devices;
  return *n > 0 ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver_version;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = cuda_emulator::the_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  EMULATED("cudaSetDevice");
  cuda_emulator::the_device = device;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
  *value = which == cudaDevAttrMultiProcessorCount      ? machine().n_processors
           : which == cudaDevAttrComputeCapabilityMajor ? 9
                                                        : 0;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = *total = machine().free_bytes;
  return cudaSuccess;
}

/// Filled with NaN, so that reads of uninitialised memory are detected.
cudaError_t cudaMalloc(void** memory, std::size_t n_bytes) {
  EMULATED("cudaMalloc");
  *memory = std::aligned_alloc(256, (n_bytes + 255) / 256 * 256);
  std::memset(*memory, 0xff, n_bytes);
  ++machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  const std::scoped_lock lock(machine().mutex);
  std::free(memory);
  --machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, std::size_t n_bytes, unsigned) { return cudaMalloc(memory, n_bytes); }
cudaError_t cudaFreeHost(void* memory) { return cudaFree(memory); }
cudaError_t cudaMemset(void* memory, int value, std::size_t n_bytes) {
  std::memset(memory, value, n_bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind) {
  std::memcpy(to, from, n_bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind, cudaStream_t stream) {
  return enqueue_emulated("cudaMemcpyAsync", [=] { std::memcpy(to, from, n_bytes); }, stream);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  EMULATED("cudaStreamCreateWithFlags");
  *stream = new cuda_emulator::Stream;
  ++machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::scoped_lock lock(machine().mutex);
  delete stream;
  --machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::scoped_lock lock(machine().mutex);
  if (stream) cuda_emulator::run_all(stream->waiting);
  return asked("cudaStreamSynchronize");
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  EMULATED("cudaStreamBeginCapture");
  stream->is_captured = true;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  EMULATED("cudaStreamEndCapture");
  *graph = new cuda_emulator::Work(std::move(stream->captured));
  ++machine().n_allocations;
  stream->captured.clear();
  stream->is_captured = false;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  EMULATED("cudaGraphInstantiate");
  *executable = new cudaGraphExec{*graph};
  ++machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const std::scoped_lock lock(machine().mutex);
  delete graph;
  --machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const std::scoped_lock lock(machine().mutex);
  delete executable;
  --machine().n_allocations;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return enqueue_emulated(
      "cudaGraphLaunch",
      [work = executable->work] {
        for (const auto& step : work) step();
      },
      stream);
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "an emulated error"; }

cudaError_t enqueue_emulated(const char* call, std::function<void()> work, cudaStream_t stream) {
  EMULATED(call);
  if (stream->is_captured)
    stream->captured.push_back(std::move(work));
  else if (machine().is_late)
    stream->waiting.push_back(std::move(work));
  else
    work();
  return cudaSuccess;
}
