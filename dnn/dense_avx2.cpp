#include <immintrin.h>

#include "sluice/dnn/dense_kernel.h"

namespace sluice::dnn {
namespace {

struct Avx2 {
  static constexpr std::size_t kWidth = 8;
  __m256 value;

  static Avx2 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Avx2 broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static Avx2 fma(Avx2 a, Avx2 b, Avx2 c) { return {_mm256_fmadd_ps(a.value, b.value, c.value)}; }
  static Avx2 relu(Avx2 x) {
    return {_mm256_max_ps(_mm256_setzero_ps(), x.value)};
  }  // max gives its second operand where one is NaN
  static float fma_one(float a, float b, float c) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
  }
  void store(float* p) const { _mm256_storeu_ps(p, value); }
};

}  // namespace

void dense_forward_avx2(const Network& network, BatchView encoded, float* margins) {
  DenseKernelOf<Avx2>::forward(network, encoded, margins);
}

}  // namespace sluice::dnn
