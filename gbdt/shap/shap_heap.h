#pragma once
/// Path-dependent Shapley values of full heaps, for any vector type V. Not installed.
///
/// At each quadrature point t, with l and r the children's shares and tau = t (see HeapRepeat for repeated features):
///
///     down  P(left) = P x ([row goes left] tau + (1 - tau) l)      P(right) = P - P(left)
///     up    D = (H(left) - H(right)) x (row goes left ? r : -l)    H = H(row's child) - (1 - tau) D
///     add   phi[feature] += sum over the points of P x D x kappa
///
/// Lanes are 16 rows of one tree (HeapRows) or 16 trees of one row (HeapLanes); the operations on a lane are the same.

#include "sluice/gbdt/shap/shap_sources.h"

namespace sluice::gbdt {

template <class V, int kDepth, class Source>
struct HeapWalk {
  using Mask = typename V::Mask;
  using Shape = HeapShape<kDepth>;
  static constexpr int kPoints = Shape::kPoints;
  struct Points {
    V v[kPoints];
  };
  struct Constants {
    Points t, rest;  // of nodes that repeat nothing: t and 1 - t
    Points curve;    // 1 / (t (1 - t))
    typename V::Bits bits;
  };
  struct Step {  // of nodes that repeat a feature
    Points tau, rest;
    Mask open;  // the row takes all edges above on the same feature
  };

  // A copy of these stays in registers; no function that is not inlined gets its address.
  Source source;
  const Constants* constants;
  Mask* edge;  // of the current path, one per level

  /// `units` belong to the tree; `source` is at its last unit.
  template <class Unit>
  static void run(const Source& source, const Unit* units, const Quadrature& points) {
    Mask edges[kDepth] = {};
    Constants constants{{}, {}, {}, V::bits()};
    Points p;
    for (int q = 0; q < kPoints; ++q) {
      const auto t = static_cast<float>(points.t[static_cast<std::size_t>(q)]);
      constants.t.v[q] = V::broadcast(t);
      constants.rest.v[q] = V::broadcast(1.0f - t);
      constants.curve.v[q] = V::broadcast(points.curve[static_cast<std::size_t>(q)]);
      p.v[q] = V::broadcast(static_cast<float>(points.w[static_cast<std::size_t>(q)]));
    }
    const HeapWalk walk{source, &constants, edges};
    if constexpr (kDepth == 4)
      subtree(source, &constants, edges, p);
    else
      walk.template split<0>(0, p, units);
  }

  SLUICE_SHAP_INLINE static V dot(const Points& a, const Points& b) {
    V sum = a.v[0] * b.v[0];
    for (int q = 1; q < kPoints; ++q) sum = V::fma(a.v[q], b.v[q], sum);
    return sum;
  }
  SLUICE_SHAP_INLINE static V total(const Points& a) {
    V sum = a.v[0];
    for (int q = 1; q < kPoints; ++q) sum = sum + a.v[q];
    return sum;
  }
  SLUICE_SHAP_INLINE static Points minus(const Points& a, const Points& b) {
    Points out;
    for (int q = 0; q < kPoints; ++q) out.v[q] = a.v[q] - b.v[q];
    return out;
  }
  /// Member by member, so that the compiler need not keep `to` in memory because `from` was in memory.
  SLUICE_SHAP_INLINE static void copy(const Points& from, Points& to) {
    for (int q = 0; q < kPoints; ++q) to.v[q] = from.v[q];
  }
  SLUICE_SHAP_INLINE static V share(const Source& source, int n, Mask left) {
    return V::where(left, source.right(n), V::broadcast(0.0f) - source.left(n));
  }

  SLUICE_SHAP_INLINE static Step repeat_step(const Source& source, const Mask* edge, int n, int level) {
    Step step;
    step.open = source.takes_all(n, level, edge);
    for (int q = 0; q < kPoints; ++q) {
      step.tau.v[q] = V::where(step.open, source.tau(n, q), V::broadcast(0.0f));
      step.rest.v[q] = source.rest(n, q, step.open, step.tau.v[q]);
    }
    return step;
  }
  SLUICE_SHAP_INLINE static V kappa(Source source, const Constants* constants, const Step& step, int n, int q) {
    return source.kappa(n, q, step.open, step.tau.v[q], step.rest.v[q], constants->curve.v[q]);
  }
  SLUICE_SHAP_INLINE static void repeat_down(Source source, const Mask* edge, int n, int level, Mask left, Points& p) {
    const Step step = repeat_step(source, edge, n, level);
    for (int q = 0; q < kPoints; ++q)
      p.v[q] = p.v[q] * V::add_where(left, step.rest.v[q] * source.left(n), step.tau.v[q]);
  }
  SLUICE_SHAP_INLINE static void repeat_up(Source source, const Constants* constants, const Mask* edge, int n,
                                           int level, Mask left, const Points& p, Points& hl, const Points& hr) {
    const Step step = repeat_step(source, edge, n, level);
    const V down_share = share(source, n, left);
    Points d;
    for (int q = 0; q < kPoints; ++q) {
      d.v[q] = (hl.v[q] - hr.v[q]) * down_share;
      hl.v[q] = V::fnma(step.rest.v[q], d.v[q], V::where(left, hl.v[q], hr.v[q]));
      d.v[q] = d.v[q] * kappa(source, constants, step, n, q);
    }
    source.add(n, dot(p, d));
  }

  /// P of the left child.
  SLUICE_SHAP_INLINE Points down(int n, int level, const Points& p, Mask left) const {
    if (!source.is_repeat(n)) [[likely]]
      return plain_down(n, p, left);
    Points out;
    copy(p, out);
    repeat_down(source, edge, n, level, left, out);
    return out;
  }
  SLUICE_SHAP_INLINE Points plain_down(int n, const Points& p, Mask left) const {
    Points out;
    for (int q = 0; q < kPoints; ++q)
      out.v[q] = p.v[q] * V::add_where(left, source.not_taken(n, q, constants->rest.v[q]), constants->t.v[q]);
    return out;
  }

  /// H of the node from the children's; adds the node's contribution.
  SLUICE_SHAP_INLINE Points up(int n, int level, const Points& p, Mask left, const Points& hl, const Points& hr) const {
    if (!source.is_repeat(n)) [[likely]]
      return plain_up(n, p, left, hl, hr);
    Points h;
    copy(hl, h);
    repeat_up(source, constants, edge, n, level, left, p, h, hr);
    return h;
  }
  SLUICE_SHAP_INLINE Points plain_up(int n, const Points& p, Mask left, const Points& hl, const Points& hr) const {
    const V down_share = share(source, n, left);
    Points h, d;
    for (int q = 0; q < kPoints; ++q) {
      d.v[q] = (hl.v[q] - hr.v[q]) * down_share;
      h.v[q] = V::fnma(constants->rest.v[q], d.v[q], V::where(left, hl.v[q], hr.v[q]));
    }
    source.add(n, dot(p, d));
    return h;
  }

  /// Half a unit: a split that repeats no feature and two bottoms, branch-free, all in registers.
  template <int kNode, bool kRepeatsLeft, bool kRepeatsRight>
  [[gnu::noinline]] static void plain_half(Source source, const Constants* constants, Mask* edge, Points& p_then_h) {
    const HeapWalk walk{source, constants, edge};
    constexpr int a = 2 * kNode + 1, b = 2 * kNode + 2;
    Points p;
    copy(p_then_h, p);
    const Mask left = source.goes_left(kNode);
    const Points pl = walk.plain_down(kNode, p, left);
    edge[kDepth - 3] = left;
    const Points hl = walk.template bottom_of<kRepeatsLeft>(a, pl);
    edge[kDepth - 3] = V::inverse(left);
    const Points hr = walk.template bottom_of<kRepeatsRight>(b, minus(p, pl));
    copy(walk.plain_up(kNode, p, left, hl, hr), p_then_h);
  }
  template <bool kRepeats>
  SLUICE_SHAP_INLINE Points bottom_of(int n, const Points& p) const {
    if constexpr (kRepeats)
      return bottom_repeat(n, n - 3, p);
    else
      return bottom_lookup(n, n - 3, p);
  }
  template <int kNode>
  SLUICE_SHAP_INLINE void half(std::uint8_t kind, Points& p_then_h) const {
    switch (kind) {
      case 1:
        return plain_half<kNode, false, false>(source, constants, edge, p_then_h);
      case 2:
        return plain_half<kNode, true, false>(source, constants, edge, p_then_h);
      case 3:
        return plain_half<kNode, false, true>(source, constants, edge, p_then_h);
      default:
        return plain_half<kNode, true, true>(source, constants, edge, p_then_h);
    }
  }

  /// A unit of four levels is one function, so that its numbers stay in registers.
  [[gnu::noinline]] static void subtree(Source source, const Constants* constants, Mask* edge, Points& p_then_h) {
    const HeapWalk walk{source, constants, edge};
    Points p;
    copy(p_then_h, p);
    copy(walk.template split<kDepth - 4>(0, p, walk.source.unit), p_then_h);
  }
  template <int kLevel>
  SLUICE_SHAP_INLINE Points visit(int n, const Points& p, const auto* units) const {
    if constexpr (kLevel == kDepth - 2) {
      return bottom(n, p);
    } else if constexpr (kLevel == kDepth - 3 && Source::kHasLookup) {
      const std::uint8_t kind = source.half(n - 1);
      if (kind == 0) [[unlikely]]
        return split<kLevel>(n, p, units);
      Points h;
      copy(p, h);
      if (n == 1)
        half<1>(kind, h);
      else
        half<2>(kind, h);
      return h;
    } else if constexpr (kLevel == kDepth - 4) {
      Points h;
      copy(p, h);
      subtree(source.at_unit(units, n - 3), constants, edge, h);
      return h;
    } else {
      return split<kLevel>(n, p, units);
    }
  }
  template <int kLevel>
  SLUICE_SHAP_INLINE Points split(int n, const Points& p, const auto* units) const {
    const Mask left = source.goes_left(n);
    const Points pl = down(n, kLevel, p, left);
    edge[kLevel] = left;
    const Points hl = visit<kLevel + 1>(2 * n + 1, pl, units);
    edge[kLevel] = V::inverse(left);
    const Points hr = visit<kLevel + 1>(2 * n + 2, minus(p, pl), units);
    return up(n, kLevel, p, left, hl, hr);
  }

  SLUICE_SHAP_INLINE Points bottom(int n, const Points& p) const {
    const int k = n - 3;
    Points h;
    if constexpr (Source::kHasLookup) {
      if (source.kind(k) == BottomKind::lookup) [[likely]]
        return bottom_lookup(n, k, p);
      if (source.kind(k) == BottomKind::repeat) return bottom_repeat(n, k, p);
      if (source.kind(k) == BottomKind::leaf) {
        for (int q = 0; q < kPoints; ++q) h.v[q] = source.leaf(4 * k);
        return h;
      }
    }
    Points slow;
    copy(p, slow);
    bottom_nodes(*this, n, slow);
    copy(slow, h);
    return h;
  }

  /// Three splits at once: the subtree's contribution depends on three outcomes only.
  SLUICE_SHAP_INLINE Points bottom_lookup(int n, int k, const Points& p) const {
    const Mask root = source.goes_left(n), a = source.goes_left(2 * n + 1), b = source.goes_left(2 * n + 2);
    const auto index = V::index(constants->bits, root, a, b);
    Points pl, h, d;
    for (int q = 0; q < kPoints; ++q) {
      pl.v[q] = p.v[q] * V::add_where(root, source.not_taken(n, q, constants->rest.v[q]), constants->t.v[q]);
      V::lookup(source.unit->lookup[k][q], constants->bits, index, h.v[q], d.v[q]);
    }
    V da, db;
    V::lookup(source.unit->lookup[k][kPoints], constants->bits, index, da, db);
    source.add(2 * n + 1, da * total(pl));
    source.add(2 * n + 2, db * total(minus(p, pl)));
    source.add(n, dot(p, d));
    return h;
  }

  /// The same for splits that repeat features.
  SLUICE_SHAP_INLINE Points bottom_repeat(int n, int k, const Points& p) const {
    const RepeatBottom<kDepth>& table = source.repeat_bottom(k);
    const Mask root = source.goes_left(n), a = source.goes_left(2 * n + 1), b = source.goes_left(2 * n + 2);
    const auto index = V::index(constants->bits, root, a, b);
    Mask open = V::all();
    for (int level = 0; level < kDepth - 2; ++level)
      open = V::both(open, V::either_not(edge[level], V::mask_of(table.asks[level])));
    const auto full = V::index_with(constants->bits, index, open);
    Points pl, pr, h, d;
    V sum_left = V::broadcast(0.0f), sum_right = sum_left;
    for (int q = 0; q < kPoints; ++q) {
      pl.v[q] = p.v[q] * V::choose(table.down[q], full);
      pr.v[q] = p.v[q] - pl.v[q];
      h.v[q] = V::choose(table.h[q], full);
      d.v[q] = V::choose(table.d[q], full);
      const V left_weight = V::choose(table.left_weight[q], full),
              right_weight = V::choose(table.right_weight[q], full);
      sum_left = q == 0 ? pl.v[q] * left_weight : V::fma(pl.v[q], left_weight, sum_left);
      sum_right = q == 0 ? pr.v[q] * right_weight : V::fma(pr.v[q], right_weight, sum_right);
    }
    V da, db;
    V::lookup(table.lowest, constants->bits, index, da, db);
    source.add(2 * n + 1, da * sum_left);
    source.add(2 * n + 2, db * sum_right);
    source.add(n, dot(p, d));
    return h;
  }

  /// The same split by split.
  SLUICE_SHAP_INLINE static void bottom_nodes(const HeapWalk& from, int n, Points& p_then_h) {
    const HeapWalk walk = from;
    const int k = n - 3;
    Points p;
    copy(p_then_h, p);
    const Mask left = walk.source.goes_left(n);
    const Points pl = walk.down(n, kDepth - 2, p, left);
    walk.edge[kDepth - 2] = left;
    const Points hl = walk.lowest(2 * n + 1, 4 * k, pl);
    walk.edge[kDepth - 2] = V::inverse(left);
    const Points hr = walk.lowest(2 * n + 2, 4 * k + 2, minus(p, pl));
    copy(walk.up(n, kDepth - 2, p, left, hl, hr), p_then_h);
  }

  SLUICE_SHAP_INLINE Points lowest(int n, int leaf, const Points& p) const {
    const Mask left = source.goes_left(n);
    const V vl = source.leaf(leaf), vr = source.leaf(leaf + 1);
    const V d = (vl - vr) * share(source, n, left), taken = V::where(left, vl, vr);
    Points h;
    if (source.is_repeat(n)) {
      const Step step = repeat_step(source, edge, n, kDepth - 1);
      Points weight;
      for (int q = 0; q < kPoints; ++q) {
        h.v[q] = V::fnma(step.rest.v[q], d, taken);
        weight.v[q] = kappa(source, constants, step, n, q);
      }
      source.add(n, d * dot(p, weight));
    } else {
      for (int q = 0; q < kPoints; ++q) h.v[q] = V::fnma(constants->rest.v[q], d, taken);
      source.add(n, d * total(p));
    }
    return h;
  }
};

}  // namespace sluice::gbdt
