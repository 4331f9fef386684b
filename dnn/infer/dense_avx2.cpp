#include <immintrin.h>

#include "sluice/dnn/infer/dense_heads_avx.h"
#include "sluice/dnn/infer/dense_kernel.h"

namespace sluice::dnn {
namespace {

struct Avx2 {
  using Heads = AvxHeads;
  using Cell = float;
  static constexpr std::size_t kWidth = 8, kInputsPerStep = 1;
  static constexpr std::size_t kPanel = 16, kRows = 6, kOneRow = 8;  // 12 accumulators of 16 registers
  __m256 value;

  static Avx2 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Avx2 weight(const float* p) { return {_mm256_load_ps(p)}; }
  static Avx2 broadcast(const float* p) { return {_mm256_broadcast_ss(p)}; }
  static Avx2 broadcast_float(float x) { return {_mm256_set1_ps(x)}; }
  static Avx2 mul(Avx2 a, Avx2 b) { return {_mm256_mul_ps(a.value, b.value)}; }
  static Avx2 fma(Avx2 a, Avx2 b, Avx2 c) { return {_mm256_fmadd_ps(a.value, b.value, c.value)}; }
  static Avx2 step(Avx2 x, Avx2 w, Avx2 sum) { return fma(x, w, sum); }
  static Avx2 relu(Avx2 x) {
    return {_mm256_max_ps(_mm256_setzero_ps(), x.value)};
  }  // max returns its second operand if one is NaN
  static float fma_one(float a, float b, float c) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
  }
  static std::size_t count_at_least(float x, const float* edges, std::size_t n) {
    std::size_t count = 0;
    for (std::size_t e = 0; e < n; e += kWidth)
      count += static_cast<std::size_t>(__builtin_popcount(static_cast<unsigned>(
          _mm256_movemask_ps(_mm256_cmp_ps(_mm256_set1_ps(x), _mm256_loadu_ps(edges + e), _CMP_GE_OQ)))));
    return count;
  }
  void store(float* p) const { _mm256_storeu_ps(p, value); }
};

}  // namespace

DenseFunctions dense_avx2() { return DenseKernelOf<Avx2>::functions(); }

}  // namespace sluice::dnn
