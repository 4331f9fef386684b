#include <cmath>

#include "sluice/gbdt/shap/shap_kernel_of.h"

namespace sluice::gbdt {
namespace {

/// The reference: std::fma is exact by definition, by a processor instruction or in software.
template <class Number>
struct ScalarOf {
  using Real = Number;
  using Mask = bool;
  static constexpr std::size_t kWidth = 1;
  Real value;

  static ScalarOf load(const Real* p) { return {*p}; }
  static ScalarOf broadcast(Real x) { return {x}; }
  static ScalarOf fma(ScalarOf a, ScalarOf b, ScalarOf c) {
    // Not compared with other kernels.
    if constexpr (sizeof(Real) == sizeof(double)) return {a.value * b.value + c.value};
    return {std::fma(a.value, b.value, c.value)};
  }
  static ScalarOf fnma(ScalarOf a, ScalarOf b, ScalarOf c) { return fma({-a.value}, b, c); }
  static ScalarOf where(Mask mask, ScalarOf a, ScalarOf b) { return mask ? a : b; }
  static ScalarOf add_where(Mask mask, ScalarOf a, ScalarOf b) { return {mask ? a.value + b.value : a.value}; }
  friend ScalarOf operator+(ScalarOf a, ScalarOf b) { return {a.value + b.value}; }
  friend ScalarOf operator-(ScalarOf a, ScalarOf b) { return {a.value - b.value}; }
  friend ScalarOf operator*(ScalarOf a, ScalarOf b) { return {a.value * b.value}; }
  void store(Real* p) const { *p = value; }

  static Mask all() { return true; }
  static Mask both(Mask a, Mask b) { return a && b; }
  static Mask either_not(Mask a, Mask b) { return a || !b; }
  static Mask inverse(Mask a) { return !a; }
  static Mask mask_of(std::uint16_t bits) { return (bits & 1u) != 0; }
  static Mask less(const std::int32_t* keys, std::int32_t key) { return *keys < key; }
  static Mask less_at(const std::int32_t* keys, const std::uint32_t* at, const std::int32_t* key) {
    return keys[*at] < *key;
  }

  struct Bits {};
  static Bits bits() { return {}; }
  using Index = std::size_t;
  static Index index(const Bits&, Mask root, Mask a, Mask b) {
    return (root ? 4u : 0u) + (a ? 2u : 0u) + (b ? 1u : 0u);
  }
  static Index index_with(const Bits&, Index index, Mask open) { return index + (open ? 8 : 0); }
  static ScalarOf choose(const Real* table, Index index) { return {table[index]}; }
  static void lookup(const Real* table, const Bits&, Index index, ScalarOf& first, ScalarOf& second) {
    first.value = table[index];
    second.value = table[8 + index];
  }
};

}  // namespace

const ShapKernel& shap_kernel_scalar() { return shap_kernel_of<ScalarOf<float>>; }

void shap_walk_double(const ShapState& state, const ShapTree& tree, const std::int32_t* keys, double* phi,
                      double* scratch, const Held* held) {
  shap_walk<ScalarOf<double>, 1>(state, tree, keys, phi, scratch, held);
}

}  // namespace sluice::gbdt
