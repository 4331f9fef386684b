#include <immintrin.h>

#include "sluice/dnn/dense_kernel.h"

namespace sluice::dnn {
namespace {

struct Avx512 {
  static constexpr std::size_t kWidth = 16;
  __m512 value;

  static Avx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Avx512 broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Avx512 fma(Avx512 a, Avx512 b, Avx512 c) { return {_mm512_fmadd_ps(a.value, b.value, c.value)}; }
  static Avx512 relu(Avx512 x) {
    return {_mm512_max_ps(_mm512_setzero_ps(), x.value)};
  }  // max gives its second operand where one is NaN
  static float fma_one(float a, float b, float c) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
  }
  void store(float* p) const { _mm512_storeu_ps(p, value); }
};

}  // namespace

void dense_forward_avx512(const Network& network, BatchView encoded, float* margins) {
  DenseKernelOf<Avx512>::forward(network, encoded, margins);
}

}  // namespace sluice::dnn
