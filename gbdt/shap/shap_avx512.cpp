#include <immintrin.h>

#include "sluice/gbdt/shap/shap_kernel_of.h"

namespace sluice::gbdt {
namespace {

struct Avx512 {
  using Real = float;
  using Mask = __mmask16;
  static constexpr std::size_t kWidth = 16;
  __m512 value;

  static Avx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Avx512 broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Avx512 fma(Avx512 a, Avx512 b, Avx512 c) { return {_mm512_fmadd_ps(a.value, b.value, c.value)}; }
  static Avx512 fnma(Avx512 a, Avx512 b, Avx512 c) { return {_mm512_fnmadd_ps(a.value, b.value, c.value)}; }
  static Avx512 where(Mask mask, Avx512 a, Avx512 b) { return {_mm512_mask_blend_ps(mask, b.value, a.value)}; }
  static Avx512 add_where(Mask mask, Avx512 a, Avx512 b) {
    return {_mm512_mask_add_ps(a.value, mask, a.value, b.value)};
  }
  friend Avx512 operator+(Avx512 a, Avx512 b) { return {_mm512_add_ps(a.value, b.value)}; }
  friend Avx512 operator-(Avx512 a, Avx512 b) { return {_mm512_sub_ps(a.value, b.value)}; }
  friend Avx512 operator*(Avx512 a, Avx512 b) { return {_mm512_mul_ps(a.value, b.value)}; }
  void store(float* p) const { _mm512_storeu_ps(p, value); }

  static Mask all() { return 0xffff; }
  static Mask both(Mask a, Mask b) { return static_cast<Mask>(a & b); }
  static Mask either_not(Mask a, Mask b) { return static_cast<Mask>(a | ~b); }
  static Mask inverse(Mask a) { return static_cast<Mask>(~a); }
  static Mask mask_of(std::uint16_t bits) { return bits; }
  static Mask less(const std::int32_t* keys, std::int32_t key) {
    return _mm512_cmplt_epi32_mask(_mm512_loadu_si512(keys), _mm512_set1_epi32(key));
  }
  static Mask less_at(const std::int32_t* keys, const std::uint32_t* at, const std::int32_t* key) {
    const __m512i own = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, _mm512_loadu_si512(at), keys, 4);
    return _mm512_cmplt_epi32_mask(own, _mm512_loadu_si512(key));
  }

  /// Kept in registers: hides from the compiler that they are constants.
  struct Bits {
    __m512i one, two, four, eight;
  };
  static Bits bits() {
    Bits out{_mm512_set1_epi32(1), _mm512_set1_epi32(2), _mm512_set1_epi32(4), _mm512_set1_epi32(8)};
    asm("" : "+v"(out.one), "+v"(out.two), "+v"(out.four), "+v"(out.eight));
    return out;
  }
  using Index = __m512i;
  static Index index(const Bits& bits, Mask root, Mask a, Mask b) {
    const __m512i first = _mm512_maskz_mov_epi32(root, bits.four);
    const __m512i second = _mm512_mask_or_epi32(first, a, first, bits.two);
    return _mm512_mask_or_epi32(second, b, second, bits.one);
  }
  static Index index_with(const Bits& bits, Index index, Mask open) {
    return _mm512_mask_or_epi32(index, open, index, bits.eight);
  }
  static Avx512 choose(const float* table, Index index) {
    return {_mm512_maskz_permutexvar_ps(0xffff, index, _mm512_load_ps(table))};
  }
  static void lookup(const float* table, const Bits& bits, Index index, Avx512& first, Avx512& second) {
    // With the unmasked permute, GCC 12 warns about its own undefined register.
    const __m512 both = _mm512_load_ps(table);
    first.value = _mm512_maskz_permutexvar_ps(0xffff, index, both);
    second.value = _mm512_maskz_permutexvar_ps(0xffff, _mm512_or_si512(index, bits.eight), both);
  }
};

}  // namespace

const ShapKernel& shap_kernel_avx512() { return shap_kernel_of<Avx512>; }

}  // namespace sluice::gbdt
