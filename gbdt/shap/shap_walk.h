#pragma once
/// Path-dependent Shapley values by a walk of a tree's own nodes, to any depth, for any vector type V. Not installed.
///
/// shap_heap.h's steps with both shares written out, so that it is also exact for covers that do not add up. A repeated
/// feature's points are tau = t / (t + (1 - t) z), with z the product of its edges' shares above. Its contribution has
/// the weight kappa = z / (t + (1 - t) z)^2: the rest of z (o - z') after the factor of the edges above is removed from
/// the product twice.

#include "sluice/gbdt/shap/shap_kernel.h"
#include "sluice/gbdt/shap/shap_shares.h"

namespace sluice::gbdt {

/// kStride: distance from one key or sum to the next.
template <class V, std::size_t kStride>
struct ShapWalk {
  using Real = typename V::Real;
  using Mask = typename V::Mask;

  const ShapNode* nodes;
  const Quadrature& points;
  std::size_t n_points;
  const std::int32_t* keys;
  Real* phi;
  Real* scratch;
  const Held* held;
  // One per level: the row takes the current path's edge below it, and all earlier ones on its feature.
  Mask* edge;

  std::size_t frame() const { return n_points * (3 * V::kWidth + 3); }

  static V number(double x) { return V::broadcast(static_cast<Real>(x)); }

  /// The node's points: tau, 1 - tau, kappa; the caller masks them by `open`.
  void steps(const ShapNode& node, Real* tau, Real* rest, Real* kappa) const {
    const bool is_held = held != nullptr && held->feature == node.feature;
    for (std::size_t q = 0; q < n_points; ++q) {
      const double t = points.t[q], z = node.path_share, a = t + (1 - t) * z;
      tau[q] = static_cast<Real>(is_held ? (held->in ? 1.0 : 0.0) : t / a);
      rest[q] = static_cast<Real>(is_held ? (held->in ? 0.0 : 1.0) : (1 - t) * z / a);
      kappa[q] = static_cast<Real>(is_held ? 0.0 : z / (a * a));
    }
  }

  void descend(Real* out, const Real* p, const Real* tau, const Real* rest, V share, Mask taken, Mask open) const {
    for (std::size_t q = 0; q < n_points; ++q) {
      const V t = V::where(open, V::broadcast(tau[q]), V::broadcast(Real(0)));
      const V r = V::where(open, V::broadcast(rest[q]), V::broadcast(Real(1)));
      (V::load(p + q * V::kWidth) * V::add_where(taken, r * share, t)).store(out + q * V::kWidth);
    }
  }

  /// p: the node's P; h: where its H is written; both [n_points] vectors.
  void visit(std::uint32_t at, std::size_t level, const Real* p, Real* h) {
    const ShapNode& node = nodes[at];
    if (node.left == 0) {
      for (std::size_t q = 0; q < n_points; ++q) number(node.value).store(h + q * V::kWidth);
      return;
    }
    const std::size_t size = n_points * V::kWidth;
    Real* below = scratch + level * frame();
    Real *hl = below + size, *hr = hl + size, *tau = hr + size, *rest = tau + n_points, *kappa = rest + n_points;
    const bool is_held = held != nullptr && held->feature == node.feature;
    const Mask left = V::less(keys + node.column * kStride, node.key);
    const Mask open = node.earlier < 0 || is_held ? V::all() : edge[node.earlier];
    steps(node, tau, rest, kappa);

    const V share_left = number(node.left_share), share_right = number(node.right_share);
    edge[level] = V::both(open, left);
    descend(below, p, tau, rest, share_left, left, open);
    visit(node.left, level + 1, below, hl);
    edge[level] = V::both(open, V::inverse(left));
    descend(below, p, tau, rest, share_right, V::inverse(left), open);
    visit(node.left + 1, level + 1, below, hr);

    V sum = V::broadcast(Real(0));
    for (std::size_t q = 0; q < n_points; ++q) {
      const V a = V::load(hl + q * V::kWidth), b = V::load(hr + q * V::kWidth);
      const V expected = V::fma(share_left, a, share_right * b), d = V::where(left, a, b) - expected;
      V::fma(V::where(open, V::broadcast(tau[q]), V::broadcast(Real(0))), d, expected).store(h + q * V::kWidth);
      sum = V::fma(V::load(p + q * V::kWidth) * V::where(open, V::broadcast(kappa[q]), V::broadcast(Real(0))), d, sum);
    }
    Real* cell = phi + node.feature * kStride;
    (V::load(cell) + sum).store(cell);
  }

  void run(Real* p, Real* h) {
    for (std::size_t q = 0; q < n_points; ++q) number(points.w[q]).store(p + q * V::kWidth);
    visit(0, 0, p, h);
  }
};

template <class V, std::size_t kStride>
void shap_walk(const ShapState& state, const ShapTree& tree, const std::int32_t* keys, typename V::Real* phi,
               typename V::Real* scratch, const Held* held = nullptr) {
  typename V::Mask edges[kMaxShapDepth];
  for (std::size_t level = 0; level < tree.depth; ++level) edges[level] = V::all();
  ShapWalk<V, kStride> walk{state.nodes.data() + tree.first,
                            state.quadratures[tree.n_points],
                            tree.n_points,
                            keys,
                            phi + tree.group * state.n_features * kStride,
                            scratch,
                            held,
                            edges};
  typename V::Real* roots = scratch + tree.depth * walk.frame();
  walk.run(roots, roots + tree.n_points * V::kWidth);
}

}  // namespace sluice::gbdt
