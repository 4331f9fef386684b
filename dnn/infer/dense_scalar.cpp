#include <cmath>

#include "sluice/dnn/infer/dense_kernel.h"

namespace sluice::dnn {
namespace {

/// The reference: std::fma is exact by definition, by a processor instruction or in software.
struct Scalar {
  struct Heads {
    template <std::size_t kGroups>
    static std::size_t chains(const float* const*, const float* const*, std::size_t, float*) {
      return 0;
    }
  };
  using Cell = float;
  static constexpr std::size_t kWidth = 1, kInputsPerStep = 1;
  static constexpr std::size_t kPanel = 4, kRows = 2, kOneRow = 8;
  float value;

  static Scalar load(const float* p) { return {*p}; }
  static Scalar weight(const float* p) { return {*p}; }
  static Scalar broadcast(const float* p) { return {*p}; }
  static Scalar broadcast_float(float x) { return {x}; }
  static Scalar mul(Scalar a, Scalar b) { return {a.value * b.value}; }
  static Scalar fma(Scalar a, Scalar b, Scalar c) { return {std::fma(a.value, b.value, c.value)}; }
  static Scalar step(Scalar x, Scalar w, Scalar sum) { return fma(x, w, sum); }
  static Scalar relu(Scalar x) { return {x.value < 0.0f ? 0.0f : x.value}; }
  static float fma_one(float a, float b, float c) { return std::fma(a, b, c); }
  static std::size_t count_at_least(float x, const float* edges, std::size_t n) {
    std::size_t count = 0;
    for (std::size_t e = 0; e < n; ++e) count += x >= edges[e] ? 1 : 0;
    return count;
  }
  void store(float* p) const { *p = value; }
};

}  // namespace

DenseFunctions dense_scalar() { return DenseKernelOf<Scalar>::functions(); }

}  // namespace sluice::dnn
