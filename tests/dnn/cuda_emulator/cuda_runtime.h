#pragma once
/// The functions that device code calls in addition to the runtime.

#include <algorithm>
#include <cmath>

#include "cuda_runtime_api.h"

using std::min;

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline std::uint32_t __float2uint_rz(float x) {  // saturates; a NaN is 0
  return x >= 4294967296.0f ? 0xffffffffu : x > 0 ? static_cast<std::uint32_t>(x) : 0u;
}
template <class T>
void __stcg(T* to, T value) {
  *to = value;
}
inline void __syncthreads() { cuda_emulator::barrier(); }
