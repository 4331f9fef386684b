#pragma once
/// Where shap_heap.h's walk reads its constants and writes its contributions. Not installed.

#include <array>
#include <cstdint>

#include "sluice/gbdt/shap/shap_state.h"

namespace sluice::gbdt {

#define SLUICE_SHAP_INLINE [[gnu::always_inline]] inline

/// z / (t + (1 - t) z)^2, from tau = t / (t + (1 - t) z) and 1 - tau only.
template <class Real>
SLUICE_SHAP_INLINE Real repeat_kappa(Real tau, Real rest, Real curve) {
  return tau * rest * curve;
}

/// Calls visit(node) in the order in which HeapWalk adds the nodes' contributions.
template <int kDepth, class Visit>
constexpr void in_order_of_adding(int n, int level, Visit& visit) {
  if (level == kDepth) return;
  in_order_of_adding<kDepth>(2 * n + 1, level + 1, visit);
  in_order_of_adding<kDepth>(2 * n + 2, level + 1, visit);
  visit(n);
}

/// A node's index in that order.
template <int kDepth>
constexpr auto kAddingOrder = [] {
  std::array<std::size_t, HeapShape<kDepth>::kNodes> order = {};
  std::size_t place = 0;
  auto visit = [&](int n) { order[static_cast<std::size_t>(n)] = place++; };
  in_order_of_adding<kDepth>(0, 0, visit);
  return order;
}();

/// Many rows through one tree: constants are broadcast, contributions added to phi. n is a node of the unit.
template <class V, int kDepth>
struct HeapRows {
  using Mask = typename V::Mask;
  static constexpr bool kHasLookup = true;
  const RowUnit<kDepth>* unit;
  const HeapRepeat<kDepth>* repeats;
  const RepeatBottom<kDepth>* bottoms;
  const std::int32_t* keys;
  float* phi;

  SLUICE_SHAP_INLINE HeapRows at_unit(const RowUnit<kDepth>* units, int k) const {
    return {units + k, repeats, bottoms, keys, phi};
  }
  SLUICE_SHAP_INLINE Mask goes_left(int n) const { return V::less(keys + unit->column[n], unit->key[n]); }
  SLUICE_SHAP_INLINE V left(int n) const { return V::broadcast(unit->left[n]); }
  SLUICE_SHAP_INLINE V right(int n) const { return V::broadcast(unit->right[n]); }
  SLUICE_SHAP_INLINE V not_taken(int n, int q, V) const { return V::broadcast(unit->not_taken[n][q]); }
  SLUICE_SHAP_INLINE V leaf(int k) const { return V::broadcast(unit->leaves[k]); }
  SLUICE_SHAP_INLINE BottomKind kind(int bottom) const { return unit->kind[bottom]; }
  SLUICE_SHAP_INLINE std::uint8_t half(int k) const { return unit->half[k]; }
  SLUICE_SHAP_INLINE const RepeatBottom<kDepth>& repeat_bottom(int k) const { return bottoms[unit->repeat_bottom[k]]; }
  SLUICE_SHAP_INLINE bool is_repeat(int n) const { return unit->repeat[n] != 0; }
  SLUICE_SHAP_INLINE const HeapRepeat<kDepth>& repeat(int n) const { return repeats[unit->repeat[n] - 1u]; }
  SLUICE_SHAP_INLINE V tau(int n, int q) const { return V::broadcast(repeat(n).tau[q]); }
  /// 1 - tau, with tau 0 if the path is not `open`.
  SLUICE_SHAP_INLINE V rest(int n, int q, Mask open, V) const {
    return V::where(open, V::broadcast(repeat(n).rest[q]), V::broadcast(1.0f));
  }
  SLUICE_SHAP_INLINE V kappa(int n, int q, Mask open, V, V, V) const {
    return V::where(open, V::broadcast(repeat(n).kappa[q]), V::broadcast(0.0f));
  }
  SLUICE_SHAP_INLINE Mask takes_all(int n, int level, const Mask* edge) const {
    Mask open = V::all();
    for (int above = 0; above < level; ++above)
      if ((repeat(n).levels >> above) & 1u) open = V::both(open, edge[above]);
    return open;
  }
  SLUICE_SHAP_INLINE void add(int n, V value) const {
    float* cell = phi + unit->slot[n];
    (V::load(cell) + value).store(cell);
  }
};

/// One row through V::kWidth of 16 trees: constants are loaded, contributions written next to each other. The row's
/// sides are given as bits (kHasBits), or its keys are compared.
template <class V, int kDepth, bool kHasBits>
struct HeapLanes {
  using Mask = typename V::Mask;
  static constexpr bool kHasLookup = false;
  const LaneUnit<kDepth>* unit;
  const LaneRepeat<kDepth>* repeats;
  std::size_t lane;
  const std::int32_t* keys;
  const std::uint16_t* left_bits;  // of the 16 trees, one per node of the heap
  float* cells;                    // of the 16 trees
  // 0 for the topmost unit, else 3 + the unit: the heap's node that is the unit's root
  int place;

  SLUICE_SHAP_INLINE HeapLanes at_unit(const LaneUnit<kDepth>* units, int k) const {
    return {units + k, repeats, lane, keys, left_bits, cells, 3 + k};
  }
  SLUICE_SHAP_INLINE Mask goes_left(int n) const {
    if constexpr (!kHasBits) return V::less_at(keys, &unit->column[n][lane], &unit->key[n][lane]);
    const int level_size = n < 1 ? 1 : n < 3 ? 2 : n < 7 ? 4 : 8;
    const int node = place * level_size + n;  // of the heap: its unit's root is at `place`
    return V::mask_of(static_cast<std::uint16_t>(left_bits[node] >> lane));
  }
  SLUICE_SHAP_INLINE V left(int n) const { return V::load(&unit->left[n][lane]); }
  SLUICE_SHAP_INLINE V right(int n) const { return V::load(&unit->right[n][lane]); }
  SLUICE_SHAP_INLINE V not_taken(int n, int, V rest) const { return rest * left(n); }
  SLUICE_SHAP_INLINE V leaf(int k) const { return V::load(&unit->leaves[k][lane]); }
  SLUICE_SHAP_INLINE BottomKind kind(int) const { return BottomKind::nodes; }
  SLUICE_SHAP_INLINE bool is_repeat(int n) const { return unit->repeat[n] != 0; }
  SLUICE_SHAP_INLINE const LaneRepeat<kDepth>& repeat(int n) const { return repeats[unit->repeat[n] - 1u]; }
  SLUICE_SHAP_INLINE V tau(int n, int q) const { return V::load(&repeat(n).tau[q][lane]); }
  // Computed and not stored: most nodes repeat a feature in one of 16 trees, and reading dominates the time here.
  SLUICE_SHAP_INLINE V rest(int, int, Mask, V tau) const { return V::broadcast(1.0f) - tau; }
  SLUICE_SHAP_INLINE V kappa(int, int, Mask, V tau, V rest, V curve) const { return repeat_kappa(tau, rest, curve); }
  SLUICE_SHAP_INLINE Mask takes_all(int n, int level, const Mask* edge) const {
    Mask open = V::all();
    for (int above = 0; above < level; ++above) {
      const Mask asks = V::mask_of(static_cast<std::uint16_t>(repeat(n).levels[above] >> lane));
      open = V::both(open, V::either_not(edge[above], asks));
    }
    return open;
  }
  /// A unit's contributions are one run of the heap's order, which ends with the unit's root.
  SLUICE_SHAP_INLINE void add(int n, V value) const {
    const auto root = static_cast<std::size_t>(place), own = static_cast<std::size_t>(n);
    const std::size_t at = kDepth == 4  ? kAddingOrder<4>[own]
                           : place == 0 ? kAddingOrder<kDepth>[own]
                                        : kAddingOrder<kDepth>[root] - (kUnitSplits - 1) + kAddingOrder<4>[own];
    value.store(cells + at * kTreeLanes + lane);
  }
};

}  // namespace sluice::gbdt
