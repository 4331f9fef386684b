#include "sluice/gbdt/interventional.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "sluice/gbdt/kernels/walk.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap/interventional_tables.h"
#include "sluice/gbdt/shap/shap_audit.h"
#include "sluice/gbdt/tree_shap.h"

namespace sluice::gbdt {
namespace {

constexpr std::size_t kRows = 512;  // rows that share a pass over the tables, which have tens of megabytes

/// Adds one heap's values of a row to phi [n_slots].
template <int kDepth, class T>
void add_heap(const HeapTree<kDepth>& tree, const T* tables, const std::int32_t* keys, T* phi) {
  using Shape = OutcomeShape<kDepth>;
  const Outcomes<kDepth> at = outcomes(tree, keys);
  // Contributions to the ancestors; pairs of subtrees are summed towards the root.
  T above[Shape::kBottoms][4] = {};
  for (int k = 0; k < Shape::kBottoms; ++k) {
    const T* entry = tables + (static_cast<std::size_t>(k) * Shape::kOutcomes + at.of[k]) * kEntry;
    const int n = Shape::kTop + k;
    for (int a = 0; a < Shape::kAncestors; ++a) above[k][a] = entry[a];
    phi[tree.slot[n]] += entry[Shape::kAncestors];
    phi[tree.slot[2 * n + 1]] += entry[Shape::kAncestors + 1];
    phi[tree.slot[2 * n + 2]] += entry[Shape::kAncestors + 2];
  }
  for (int level = Shape::kAncestors - 1; level >= 0; --level)
    for (int k = 0; k < 1 << level; ++k) {
      for (int a = 0; a < 4; ++a) above[k][a] = above[2 * k][a] + above[2 * k + 1][a];
      phi[tree.slot[(1 << level) - 1 + k]] += above[k][level];
    }
}

/// Walks a tree with a row and a background row together. If they take different sides at a feature not seen before,
/// both sides are followed: the feature then belongs to the row alone, or to the background row alone.
struct PairWalk {
  const ShapNode* nodes;
  const std::int32_t *row, *other;
  std::vector<std::int8_t>& taken;  // per feature: 0 open, 1 the row's, 2 the background row's
  double* phi;
  double weight;
  struct Sums {
    double row, other;  // of a feature that only the row, or only the background row satisfies
  };

  Sums visit(std::uint32_t at, std::size_t a, std::size_t c) {
    const ShapNode& node = nodes[at];
    if (node.left == 0)
      return {weight * node.value * coalition_weight(a, c), weight * node.value * coalition_weight(c, a)};
    const std::uint32_t x = node.left + (row[node.column] < node.key ? 0u : 1u);
    const std::uint32_t y = node.left + (other[node.column] < node.key ? 0u : 1u);
    std::int8_t& mine = taken[node.feature];
    if (x == y || mine == 1) return visit(x, a, c);
    if (mine == 2) return visit(y, a, c);
    mine = 1;
    const Sums in = visit(x, a + 1, c);
    mine = 2;
    const Sums out = visit(y, a, c + 1);
    mine = 0;
    phi[node.feature] += in.row - out.other;
    return {in.row + out.row, in.other + out.other};
  }
};

struct Pass {
  const Forest& forest;
  const InterventionalState& state;
  const ShapState& shap = state.shap.state();
  std::size_t n_columns = std::max<std::size_t>(1, shap.n_columns());
  std::size_t n_slots = std::max<std::size_t>(1, shap.n_slots());

  template <int kDepth, class T>
  void heaps(const HeapForest<kDepth>& heaps, const std::vector<T>& tables, std::size_t n_rows,
             const std::int32_t* keys, T* phi) const {
    for (std::size_t t = 0; t < heaps.trees.size(); ++t)
      for (std::size_t i = 0; i < n_rows; ++i)
        add_heap(heaps.trees[t], tables.data() + t * OutcomeShape<kDepth>::kTableSize, keys + i * n_columns,
                 phi + i * n_slots);
  }

  /// Returns the number of recomputed rows.
  template <class T>
  std::size_t run(const std::vector<T>& tables, BatchView rows, std::size_t first, double* out) const {
    std::vector<std::int32_t> keys(rows.n_rows * n_columns);
    std::vector<T> phi(rows.n_rows * n_slots);
    std::vector<double> sums(n_slots);
    std::vector<float> margins(rows.n_rows * shap.n_groups);
    predict(forest, rows, margins);
    for (std::size_t i = 0; i < rows.n_rows; ++i)
      shap_keys(forest, shap, rows.slice(i, 1), 1, keys.data() + i * n_columns);
    if (shap.full.trees.empty())
      heaps(shap.shallow, tables, rows.n_rows, keys.data(), phi.data());
    else
      heaps(shap.full, tables, rows.n_rows, keys.data(), phi.data());
    std::size_t n_recomputed = 0;
    for (std::size_t i = 0; i < rows.n_rows; ++i, out += attribution_size(forest, 1)) {
      const std::int32_t* own = keys.data() + i * n_columns;
      const float* row_margins = margins.data() + i * shap.n_groups;
      std::copy_n(phi.data() + i * n_slots, n_slots, sums.begin());
      for (const std::uint32_t tree : shap.deep) add_pairs(state, shap.trees[tree], own, sums.data());
      if (state.precision == Precision::single && !adds_up(shap, state.bias, sums, row_margins)) {
        ++n_recomputed;
        std::fill(sums.begin(), sums.end(), 0.0);
        for (const ShapTree& tree : shap.trees) add_pairs(state, tree, own, sums.data());
      }
      if (state.precision == Precision::audit || !adds_up(shap, state.bias, sums, row_margins))
        check_audit(shap, state.bias, sums, row_margins, first + i);
      write_row(shap, state.bias, sums.data(), out);
    }
    return n_recomputed;
  }
};

}  // namespace

void add_pairs(const InterventionalState& state, const ShapTree& tree, const std::int32_t* keys, double* phi) {
  const ShapState& shap = state.shap.state();
  const std::size_t n_columns = std::max<std::size_t>(1, shap.n_columns());
  std::vector<std::int8_t> taken(shap.n_features);
  for (std::size_t i = 0; i < state.weights.size(); ++i)
    PairWalk{shap.nodes.data() + tree.first,     keys,
             state.keys.data() + i * n_columns,  taken,
             phi + tree.group * shap.n_features, state.weights[i]}
        .visit(0, 0, 0);
}

InterventionalReport interventional_shap(const Forest& forest, const InterventionalTables& tables, BatchView rows,
                                         std::span<double> out, ThreadPool* pool) {
  const InterventionalState& state = tables.state();
  check_shap_tables(forest, state.shap.state());
  check_columns(forest, rows.n_columns);
  check_output(out.size(), attribution_size(forest, rows.n_rows));
  const Pass pass{forest, state};
  std::atomic<std::size_t> n_recomputed = 0;
  const auto piece = [&](std::size_t k) {
    const std::size_t first = k * kRows;
    const BatchView part = rows.slice(first, std::min(kRows, rows.n_rows - first));
    double* to = out.data() + attribution_size(forest, first);
    n_recomputed += state.precision == Precision::audit ? pass.run(state.audit, part, first, to)
                                                        : pass.run(state.single, part, first, to);
  };
  const std::size_t n_pieces = (rows.n_rows + kRows - 1) / kRows;
  if (pool != nullptr)
    pool->run(n_pieces, piece);
  else
    for (std::size_t k = 0; k < n_pieces; ++k) piece(k);
  return {tables.counts(), state.precision, n_recomputed};
}

}  // namespace sluice::gbdt
