/// A layer, in tiles that a block computes in registers:
///
///     x  [depth, rows]     a panel of the activations   } both are copied to shared memory while the previous panels
///     w  [depth, columns]  a panel of the weights       } are computed; kStages panels of each are there at a time
///
/// Each thread computes kPerRow x kPerColumn sums, in groups of up to four neighbours so that a warp reads shared
/// memory in whole vectors. Every sum starts at the bias and adds its inputs in order: no tile splits the inputs
/// between threads.

#include <cuda_pipeline_primitives.h>
#include <cuda_runtime.h>

#include "sluice/dnn/cuda/kernels.h"

namespace sluice::dnn::cuda {
namespace {

template <int rows, int columns, int depth, int stages, int per_row, int per_column>
struct Tile {
  static constexpr int kRows = rows, kColumns = columns, kDepth = depth, kStages = stages;
  static constexpr int kPerRow = per_row, kPerColumn = per_column;
  static constexpr int kThreadRows = rows / per_row, kThreads = kThreadRows * (columns / per_column);
  static_assert(kPairPad % rows == 0 && kInputPad % columns == 0 && kInputPad % depth == 0);
};

using Large = Tile<128, 128, 16, 3, 8, 8>;
using Medium = Tile<64, 64, 16, 4, 4, 4>;
using Small = Tile<32, 32, 32, 4, 2, 2>;
using Tiny = Tile<16, 16, 64, 4, 1, 1>;

template <int kWidth>
struct Vector {
  float lane[kWidth];
};

__device__ void load(const float* from, Vector<1>& to) { to = {{*from}}; }
__device__ void load(const float* from, Vector<2>& to) {
  const auto v = *reinterpret_cast<const float2*>(from);
  to = {{v.x, v.y}};
}
__device__ void load(const float* from, Vector<4>& to) {
  const auto v = *reinterpret_cast<const float4*>(from);
  to = {{v.x, v.y, v.z, v.w}};
}

// __stcg, because nvcc splits a plain store of a float4 into four. Other multiprocessors read the stored values, from
// L2.
__device__ void store(const Vector<1>& from, float* to) { __stcg(to, from.lane[0]); }
__device__ void store(const Vector<2>& from, float* to) {
  __stcg(reinterpret_cast<float2*>(to), make_float2(from.lane[0], from.lane[1]));
}
__device__ void store(const Vector<4>& from, float* to) {
  __stcg(reinterpret_cast<float4*>(to), make_float4(from.lane[0], from.lane[1], from.lane[2], from.lane[3]));
}

/// `kCount` numbers of a line of `kLength`, in groups of up to four, for thread `t` of those that share the line.
template <int kLength, int kCount>
struct Share {
  static constexpr int kWidth = kCount < 4 ? kCount : 4, kGroups = kCount / kWidth;
  static constexpr __device__ int begin(int group, int t) { return group * (kLength / kGroups) + t * kWidth; }

  static __device__ void read(const float* line, int t, float (&to)[kCount]) {
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      Vector<kWidth> vector;
      load(line + begin(g, t), vector);
#pragma unroll
      for (int i = 0; i < kWidth; ++i) to[g * kWidth + i] = vector.lane[i];
    }
  }
};

template <class T, int kWidth>
__device__ void copy_panel(float (&to)[T::kDepth][kWidth], const float* from, std::size_t stride) {
  constexpr int kVectors = kWidth / 4;
#pragma unroll
  for (int v = threadIdx.x; v < T::kDepth * kVectors; v += T::kThreads) {
    const int k = v / kVectors, i = v % kVectors * 4;
    __pipeline_memcpy_async(&to[k][i], from + k * stride + i, 4 * sizeof(float));
  }
}

__device__ float relu(float x) { return x < 0.0f ? 0.0f : x; }  // NaN stays NaN

/// A thread's part of a tile: its shares of the rows (tr) and of the columns (tc).
template <class T>
struct Sums {
  using Rows = Share<T::kRows, T::kPerRow>;
  using Columns = Share<T::kColumns, T::kPerColumn>;
  float of[T::kPerRow][T::kPerColumn];

  __device__ void begin(const float* bias_of_tile, int tc) {
    float bias[T::kPerColumn];
    Columns::read(bias_of_tile, tc, bias);
#pragma unroll
    for (int i = 0; i < T::kPerRow; ++i)
#pragma unroll
      for (int j = 0; j < T::kPerColumn; ++j) of[i][j] = bias[j];
  }

  /// One input of every row, and its weight for every column.
  __device__ void add(const float* x, const float* w, int tr, int tc) {
    float inputs[T::kPerRow], weights[T::kPerColumn];
    Rows::read(x, tr, inputs);
    Columns::read(w, tc, weights);
#pragma unroll
    for (int i = 0; i < T::kPerRow; ++i)
#pragma unroll
      for (int j = 0; j < T::kPerColumn; ++j) of[i][j] = __fmaf_rn(inputs[i], weights[j], of[i][j]);
  }

  __device__ void write(float* y_of_tile, std::size_t stride, int tr, int tc) const {
#pragma unroll
    for (int j = 0; j < T::kPerColumn; ++j) {
      const int column = Columns::begin(j / Columns::kWidth, tc) + j % Columns::kWidth;
#pragma unroll
      for (int g = 0; g < Rows::kGroups; ++g) {
        Vector<Rows::kWidth> vector;
#pragma unroll
        for (int i = 0; i < Rows::kWidth; ++i) vector.lane[i] = relu(of[g * Rows::kWidth + i][j]);
        store(vector, y_of_tile + column * stride + Rows::begin(g, tr));
      }
    }
  }
};

template <class T>
__global__ void __launch_bounds__(T::kThreads, 2) layer_kernel(LayerLaunch a) {
  alignas(16) __shared__ float x[T::kStages][T::kDepth][T::kRows];
  alignas(16) __shared__ float w[T::kStages][T::kDepth][T::kColumns];
  const unsigned n_column_tiles = static_cast<unsigned>((a.n_out + T::kColumns - 1) / T::kColumns);
  const std::size_t row = static_cast<std::size_t>(blockIdx.x / n_column_tiles) * T::kRows;
  const std::size_t column = static_cast<std::size_t>(blockIdx.x % n_column_tiles) * T::kColumns;
  const int tr = threadIdx.x % T::kThreadRows, tc = threadIdx.x / T::kThreadRows;
  const int n_in = static_cast<int>(a.n_in), n_steps = (n_in + T::kDepth - 1) / T::kDepth;

  const auto fetch = [&](int step) {
    if (step < n_steps) {
      const std::size_t k = static_cast<std::size_t>(step) * T::kDepth;
      copy_panel<T>(x[step % T::kStages], a.x + k * a.stride + row, a.stride);
      copy_panel<T>(w[step % T::kStages], a.weight + k * a.weight_stride + column, a.weight_stride);
    }
    // An empty group if nothing is left, so that the count below is correct.
    __pipeline_commit();
  };

  Sums<T> sums;
  sums.begin(a.bias + column, tc);
#pragma unroll
  for (int step = 0; step < T::kStages - 1; ++step) fetch(step);
  for (int step = 0; step < n_steps; ++step) {
    __pipeline_wait_prior(T::kStages - 2);  // this step's panels have arrived for this thread
    // Waits for all threads: all have finished the previous step, whose buffer is filled next.
    __syncthreads();
    fetch(step + T::kStages - 1);
    const int stage = step % T::kStages, n = n_in - step * T::kDepth;
    if (n >= T::kDepth) {
#pragma unroll
      for (int k = 0; k < T::kDepth; ++k) sums.add(x[stage][k], w[stage][k], tr, tc);
      // A step with 0 x 0 after the last input would turn a sum of -0 into +0.
    } else {
#pragma unroll 1
      for (int k = 0; k < n; ++k) sums.add(x[stage][k], w[stage][k], tr, tc);
    }
  }
  sums.write(a.y + column * a.stride + row, a.stride, tr, tc);
}

template <class T>
std::size_t n_blocks(const LayerLaunch& work) {
  return ((work.n_pairs + T::kRows - 1) / T::kRows) * ((work.n_out + T::kColumns - 1) / T::kColumns);
}

template <class T>
cudaError_t start(LayerLaunch work, cudaStream_t stream) {
  void* arguments[] = {&work};
  return cudaLaunchKernel(layer_kernel<T>, dim3(static_cast<unsigned>(n_blocks<T>(work))), dim3(T::kThreads), arguments,
                          0, stream);
}

}  // namespace

cudaError_t launch(const LayerLaunch& work, std::size_t n_processors, cudaStream_t stream) {
  if (n_blocks<Large>(work) >= n_processors) return start<Large>(work, stream);
  if (n_blocks<Medium>(work) >= n_processors) return start<Medium>(work, stream);
  if (n_blocks<Small>(work) >= n_processors) return start<Small>(work, stream);
  return start<Tiny>(work, stream);
}

}  // namespace sluice::dnn::cuda
