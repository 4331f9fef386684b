/// The kernels before and after the layers: the inputs of each pair, the heads, the means.

#include <cuda_runtime.h>

#include "sluice/dnn/cuda/kernels.h"

namespace sluice::dnn::cuda {
namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kInputLines = 8;  // inputs of a block of inputs_kernel, one per warp
constexpr unsigned kHeadWarps = 8, kHeadDepth = 128;
constexpr unsigned kMeanThreads = 128;

unsigned n_blocks(std::size_t n, unsigned per_block) { return static_cast<unsigned>((n + per_block - 1) / per_block); }

/// The last bin that begins at or below x; the first bin for a NaN and for values below all bins.
__device__ std::uint32_t bin_of(const float* edges, std::uint32_t n_bins, float x) {
  std::uint32_t low = 0, high = n_bins - 1;
  while (low < high) {
    const std::uint32_t middle = (low + high + 1) / 2;
    if (x >= edges[middle])
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

__device__ float embedded(const InputsLaunch& a, const InputSource& source, float x) {
  if (source.n_bins > 0) {
    const std::uint32_t bin = bin_of(a.edges + source.edges, source.n_bins, x);
    const std::uint64_t at = source.values + static_cast<std::uint64_t>(bin) * source.step;
    return __fmaf_rn(__fsub_rn(x, a.edges[source.edges + bin]), a.slopes[at], a.values[at]);
  }
  // The encoder's codes are in range; other codes must not read outside the table.
  if (source.n_codes > 0) {
    const std::uint32_t code = min(__float2uint_rz(x), source.n_codes - 1);
    return a.values[source.values + static_cast<std::uint64_t>(code) * source.step];
  }
  return x;
}

__global__ void inputs_kernel(InputsLaunch a) {
  const std::size_t pair = static_cast<std::size_t>(blockIdx.x) * kWarp + threadIdx.x;
  const std::size_t input = static_cast<std::size_t>(blockIdx.y) * kInputLines + threadIdx.y;
  if (pair >= a.n_rows * a.n_paths || input >= a.n_inputs) return;
  const std::size_t row = pair / a.n_paths, path = pair % a.n_paths;
  const InputSource source = a.sources[input];
  const float value = embedded(a, source, a.encoded[row * a.n_encoded + source.column]);
  a.x[input * a.stride + pair] = a.scale ? __fmul_rn(a.scale[path * a.n_inputs + input], value) : value;
}

/// All warps fetch, so that many loads are in flight; the first one computes the chains, one pair per lane.
__global__ void __launch_bounds__(kWarp* kHeadWarps) head_kernel(HeadLaunch a) {
  __shared__ float x[kHeadDepth][kWarp], w[kHeadDepth][kWarp];
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const std::size_t mine = static_cast<std::size_t>(blockIdx.x) * kWarp + lane;
  const std::size_t pair = min(mine, a.n_pairs - 1), row = pair / a.n_paths, path = pair % a.n_paths;
  float sum = a.bias[path];
  for (std::size_t first = 0; first < a.n_in; first += kHeadDepth) {
    const unsigned n = static_cast<unsigned>(min(a.n_in - first, static_cast<std::size_t>(kHeadDepth)));
    for (unsigned k = warp; k < n; k += kHeadWarps) {
      x[k][lane] = a.x[(first + k) * a.stride + pair];
      w[k][lane] = a.weight[(first + k) * a.n_paths + path];
    }
    __syncthreads();
    if (warp == 0)
      for (unsigned k = 0; k < n; ++k) sum = __fmaf_rn(x[k][lane], w[k][lane], sum);
    __syncthreads();
  }
  if (warp != 0 || mine >= a.n_pairs) return;
  const float margin = a.encoded[row * a.n_encoded + a.n_encoded - 1];
  a.outputs[pair] = __fadd_rn(__fmaf_rn(a.a[path], margin, a.b[path]), sum);
}

__global__ void mean_kernel(MeanLaunch a) {
  const std::size_t row = static_cast<std::size_t>(blockIdx.x) * kMeanThreads + threadIdx.x;
  if (row >= a.n_rows) return;
  const float* outputs = a.outputs;
  float sum = 0;
  for (std::size_t k = 0; k < a.n_members; ++k) {
    const std::uint32_t n_paths = a.n_paths[k];
    float of_member = 0;
    for (std::uint32_t path = 0; path < n_paths; ++path)
      of_member = __fadd_rn(of_member, outputs[row * n_paths + path]);
    sum = __fadd_rn(sum, __fdiv_rn(of_member, static_cast<float>(n_paths)));
    outputs += a.n_rows * n_paths;
  }
  a.margins[row] = __fdiv_rn(sum, static_cast<float>(a.n_members));
}

template <class Work>
cudaError_t start(void (*kernel)(Work), dim3 grid, dim3 block, Work work, cudaStream_t stream) {
  void* arguments[] = {&work};
  return cudaLaunchKernel(kernel, grid, block, arguments, 0, stream);
}

}  // namespace

cudaError_t launch(const InputsLaunch& work, cudaStream_t stream) {
  const dim3 grid(n_blocks(work.n_rows * work.n_paths, kWarp), n_blocks(work.n_inputs, kInputLines));
  return start(inputs_kernel, grid, dim3(kWarp, kInputLines), work, stream);
}

cudaError_t launch(const HeadLaunch& work, cudaStream_t stream) {
  return start(head_kernel, dim3(n_blocks(work.n_pairs, kWarp)), dim3(kWarp * kHeadWarps), work, stream);
}

cudaError_t launch(const MeanLaunch& work, cudaStream_t stream) {
  return start(mean_kernel, dim3(n_blocks(work.n_rows, kMeanThreads)), dim3(kMeanThreads), work, stream);
}

}  // namespace sluice::dnn::cuda
