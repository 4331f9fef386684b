#include <immintrin.h>

#include "sluice/gbdt/shap/shap_kernel_of.h"

namespace sluice::gbdt {
namespace {

struct Avx2 {
  using Real = float;
  struct Mask {
    __m256 lanes;  // all ones or zeros
  };
  static constexpr std::size_t kWidth = 8;
  __m256 value;

  static Avx2 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Avx2 broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static Avx2 fma(Avx2 a, Avx2 b, Avx2 c) { return {_mm256_fmadd_ps(a.value, b.value, c.value)}; }
  static Avx2 fnma(Avx2 a, Avx2 b, Avx2 c) { return {_mm256_fnmadd_ps(a.value, b.value, c.value)}; }
  static Avx2 where(Mask mask, Avx2 a, Avx2 b) { return {_mm256_blendv_ps(b.value, a.value, mask.lanes)}; }
  // The addends are never -0, so that adding zeros in the other lanes changes nothing.
  static Avx2 add_where(Mask mask, Avx2 a, Avx2 b) {
    return {_mm256_add_ps(a.value, _mm256_and_ps(mask.lanes, b.value))};
  }
  friend Avx2 operator+(Avx2 a, Avx2 b) { return {_mm256_add_ps(a.value, b.value)}; }
  friend Avx2 operator-(Avx2 a, Avx2 b) { return {_mm256_sub_ps(a.value, b.value)}; }
  friend Avx2 operator*(Avx2 a, Avx2 b) { return {_mm256_mul_ps(a.value, b.value)}; }
  void store(float* p) const { _mm256_storeu_ps(p, value); }

  static Mask all() { return {_mm256_castsi256_ps(_mm256_set1_epi32(-1))}; }
  static Mask both(Mask a, Mask b) { return {_mm256_and_ps(a.lanes, b.lanes)}; }
  static Mask either_not(Mask a, Mask b) { return {_mm256_or_ps(a.lanes, inverse(b).lanes)}; }
  static Mask inverse(Mask a) { return {_mm256_xor_ps(a.lanes, all().lanes)}; }
  static Mask mask_of(std::uint16_t bits) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits), bit), bit))};
  }
  static __m256i load_int(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static Mask less(const std::int32_t* keys, std::int32_t key) {
    return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(key), load_int(keys)))};
  }
  static Mask less_at(const std::int32_t* keys, const std::uint32_t* at, const std::int32_t* key) {
    return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(load_int(key), _mm256_i32gather_epi32(keys, load_int(at), 4)))};
  }

  struct Bits {};
  static Bits bits() { return {}; }
  using Index = __m256i;
  static Index index(const Bits&, Mask root, Mask a, Mask b) {
    const auto bit = [](Mask mask, int value) {
      return _mm256_and_si256(_mm256_castps_si256(mask.lanes), _mm256_set1_epi32(value));
    };
    return _mm256_or_si256(bit(root, 4), _mm256_or_si256(bit(a, 2), bit(b, 1)));
  }
  struct FullIndex {
    __m256i index;
    Mask open;
  };
  static FullIndex index_with(const Bits&, Index index, Mask open) { return {index, open}; }
  static Avx2 choose(const float* table, FullIndex full) {
    Avx2 closed, open;
    lookup(table, {}, full.index, closed, open);
    return where(full.open, open, closed);
  }
  static void lookup(const float* table, const Bits&, Index index, Avx2& first, Avx2& second) {
    first.value = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
    second.value = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index);
  }
};

}  // namespace

const ShapKernel& shap_kernel_avx2() { return shap_kernel_of<Avx2>; }

}  // namespace sluice::gbdt
