#include <immintrin.h>

#include "sluice/dnn/infer/dense_heads_avx.h"
#include "sluice/dnn/infer/dense_kernel.h"

namespace sluice::dnn {
namespace {

/// Weights and activations are bf16, sums float32; the processor adds a pair's products to its sum one after the other.
/// Embeddings, scales and heads are float32.
struct Avx512Bf16 {
  using Heads = AvxHeads;
  using Cell = std::uint16_t;
  static constexpr std::size_t kWidth = 16, kInputsPerStep = 2;
  static constexpr std::size_t kPanel = 64, kRows = 6, kOneRow = 8;
  __m512 value;

  static Avx512Bf16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Avx512Bf16 weight(const Cell* p) { return {_mm512_load_ps(p)}; }
  static Avx512Bf16 broadcast(const Cell* p) {
    return {_mm512_broadcastss_ps(_mm_load_ss(reinterpret_cast<const float*>(p)))};
  }
  static Avx512Bf16 broadcast_float(float x) { return {_mm512_set1_ps(x)}; }
  static Avx512Bf16 mul(Avx512Bf16 a, Avx512Bf16 b) { return {_mm512_mul_ps(a.value, b.value)}; }
  static Avx512Bf16 fma(Avx512Bf16 a, Avx512Bf16 b, Avx512Bf16 c) {
    return {_mm512_fmadd_ps(a.value, b.value, c.value)};
  }
  static Avx512Bf16 step(Avx512Bf16 x, Avx512Bf16 w, Avx512Bf16 sum) {
    return {
        _mm512_dpbf16_ps(sum.value, (__m512bh)_mm512_castps_si512(x.value), (__m512bh)_mm512_castps_si512(w.value))};
  }
  static Avx512Bf16 relu(Avx512Bf16 x) { return {_mm512_max_ps(_mm512_setzero_ps(), x.value)}; }
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
  void store(Cell* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(value)); }
};

}  // namespace

DenseFunctions dense_avx512_bf16() { return DenseKernelOf<Avx512Bf16>::functions(); }

}  // namespace sluice::dnn
