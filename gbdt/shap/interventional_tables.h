#pragma once
/// The tables that interventional.cpp reads. Not installed.
///
/// A heap's kBottoms subtrees (shap_state.h) have one table each. It is indexed by the outcomes of its kDepth - 2
/// ancestors, root, left and right split; a set bit means "the row goes left":
///
///     table[bottom][outcomes] = { ancestor 0, 1, 2, 3 | root, left, right, unused }    (depth 6)
///
/// Each entry is the contribution of the bottom's leaves to that split's feature. If a feature is split on twice, its
/// value is at its first split.

#include <span>
#include <vector>

#include "sluice/gbdt/interventional.h"
#include "sluice/gbdt/shap/shap_state.h"

namespace sluice::gbdt {

constexpr std::size_t kEntry = 8;  // values of an entry

template <int kDepth>
struct OutcomeShape : HeapShape<kDepth> {
  static constexpr int kAncestors = kDepth - 2, kSplits = kAncestors + 3;
  static constexpr std::size_t kOutcomes = std::size_t{1} << kSplits;
  static constexpr std::size_t kTableSize = HeapShape<kDepth>::kBottoms * kOutcomes * kEntry;
};

struct InterventionalState {
  explicit InterventionalState(const Forest& forest) : shap(forest) {}

  ShapTables shap;
  Precision precision = Precision::single;
  std::vector<float> single;  // [heap][bottom][outcomes][kEntry]; only one of the two is filled
  std::vector<double> audit;
  std::vector<std::int32_t> keys;  // of the background, [row][n_columns]
  std::vector<double> weights;     // add up to 1
  std::vector<double> bias;        // one per group
};

/// A bottom's outcomes for one row, as the tables are indexed.
template <int kDepth>
struct Outcomes {
  std::uint8_t of[HeapShape<kDepth>::kBottoms];
};

template <int kDepth>
inline Outcomes<kDepth> outcomes(const HeapTree<kDepth>& tree, const std::int32_t* keys) {
  using Shape = HeapShape<kDepth>;
  const auto left = [&](int n) { return keys[tree.column[n]] < tree.key[n] ? 1u : 0u; };
  unsigned index[2 * Shape::kBottoms];  // of the splits above and at each node down to the bottoms' roots
  index[0] = left(0);
  for (int n = 1; n < Shape::kTop + Shape::kBottoms; ++n) index[n] = 2 * index[(n - 1) / 2] + left(n);
  Outcomes<kDepth> out;
  for (int k = 0; k < Shape::kBottoms; ++k) {
    const int n = Shape::kTop + k;
    out.of[k] = static_cast<std::uint8_t>(4 * index[n] + 2 * left(2 * n + 1) + left(2 * n + 2));
  }
  return out;
}

/// (a - 1)! c! / (a + c)!: the weight of a leaf for one of a features that only the row satisfies, if only the
/// background row satisfies c features. 0 for a = 0.
double coalition_weight(std::size_t a, std::size_t c);

/// Adds one row and one tree against the whole background, pair by pair in double, to phi [n_slots].
void add_pairs(const InterventionalState& state, const ShapTree& tree, const std::int32_t* keys, double* phi);

}  // namespace sluice::gbdt
