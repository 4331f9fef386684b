#include <immintrin.h>

#include "sluice/dnn/infer/dense_heads_avx.h"
#include "sluice/dnn/infer/dense_kernel.h"

namespace sluice::dnn {
namespace {

struct Avx512 {
  using Heads = AvxHeads;
  using Cell = float;
  static constexpr std::size_t kWidth = 16, kInputsPerStep = 1;
  static constexpr std::size_t kPanel = 64, kRows = 6, kOneRow = 8;  // 24 accumulators of 32 registers
  __m512 value;

  static Avx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Avx512 weight(const float* p) { return {_mm512_load_ps(p)}; }
  static Avx512 broadcast(const float* p) { return {_mm512_set1_ps(*p)}; }
  static Avx512 broadcast_float(float x) { return {_mm512_set1_ps(x)}; }
  static Avx512 mul(Avx512 a, Avx512 b) { return {_mm512_mul_ps(a.value, b.value)}; }
  static Avx512 fma(Avx512 a, Avx512 b, Avx512 c) { return {_mm512_fmadd_ps(a.value, b.value, c.value)}; }
  static Avx512 step(Avx512 x, Avx512 w, Avx512 sum) { return fma(x, w, sum); }
  static Avx512 relu(Avx512 x) {
    return {_mm512_max_ps(_mm512_setzero_ps(), x.value)};
  }  // max returns its second operand if one is NaN
  static float fma_one(float a, float b, float c) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
  }
  static std::size_t count_at_least(float x, const float* edges, std::size_t n) {
    std::size_t count = 0;
    for (std::size_t e = 0; e < n; e += kWidth)
      count += static_cast<std::size_t>(
          __builtin_popcount(_mm512_cmp_ps_mask(_mm512_set1_ps(x), _mm512_loadu_ps(edges + e), _CMP_GE_OQ)));
    return count;
  }
  void store(float* p) const { _mm512_storeu_ps(p, value); }
};

}  // namespace

DenseFunctions dense_avx512() { return DenseKernelOf<Avx512>::functions(); }

}  // namespace sluice::dnn
