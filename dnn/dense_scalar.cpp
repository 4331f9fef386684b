#include <cmath>

#include "sluice/dnn/dense_kernel.h"

namespace sluice::dnn {
namespace {

/// The reference: std::fma is exact by definition, by a processor instruction or in software.
struct Scalar {
  static constexpr std::size_t kWidth = 1;
  float value;

  static Scalar load(const float* p) { return {*p}; }
  static Scalar broadcast(float x) { return {x}; }
  static Scalar fma(Scalar a, Scalar b, Scalar c) { return {std::fma(a.value, b.value, c.value)}; }
  static Scalar relu(Scalar x) { return {x.value < 0.0f ? 0.0f : x.value}; }
  static float fma_one(float a, float b, float c) { return std::fma(a, b, c); }
  void store(float* p) const { *p = value; }
};

}  // namespace

void dense_forward_scalar(const Network& network, BatchView encoded, float* margins) {
  DenseKernelOf<Scalar>::forward(network, encoded, margins);
}

}  // namespace sluice::dnn
