#include "sluice/gbdt/shap/interventional_tables.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/kernels/walk.h"

namespace sluice::gbdt {
namespace {

/// A leaf of a bottom: the outcome bits that its path requires, feature by feature.
struct LeafPath {
  struct Feature {
    unsigned care = 0, want = 0;  // bits of the outcomes
    int entry = 0;                // of the feature's first split
  };
  std::vector<Feature> features;
  double value = 0;

  /// Bit i: the outcomes satisfy the path's requirements for feature i.
  unsigned satisfied(unsigned outcomes) const {
    unsigned bits = 0;
    for (std::size_t i = 0; i < features.size(); ++i)
      if (((outcomes ^ features[i].want) & features[i].care) == 0) bits |= 1u << i;
    return bits;
  }
};

template <int kDepth>
struct TableBuilder {
  using Shape = OutcomeShape<kDepth>;
  const HeapTree<kDepth>& tree;

  /// The entry of the split that is `level` splits below the root; in outcomes its bit is kSplits - 1 - entry.
  static int entry_of(int n, int level) {
    return level < kDepth - 1 ? level : n % 2 == 1 ? Shape::kAncestors + 1 : Shape::kAncestors + 2;
  }

  /// Leaves that pad a heap represent one leaf: the leftmost has its value.
  bool path_of(int leaf, LeafPath& path) const {
    path.features.clear();
    int n = Shape::kNodes + leaf;
    path.value = static_cast<double>(tree.leaves[leaf]);
    std::vector<std::pair<std::uint32_t, int>> first;  // slot, place in `features`
    std::vector<int> nodes;
    for (int at = n; at > 0; at = (at - 1) / 2) nodes.insert(nodes.begin(), at);
    for (int level = 0; level < kDepth; ++level) {
      const int child = nodes[static_cast<std::size_t>(level)], parent = (child - 1) / 2;
      const bool left = child % 2 == 1;
      if (tree.is_padding[parent]) {
        if (!left) return false;
        continue;
      }
      const int entry = entry_of(parent, level);
      const unsigned bit = 1u << (Shape::kSplits - 1 - entry);
      auto found = std::find_if(first.begin(), first.end(), [&](auto& f) { return f.first == tree.slot[parent]; });
      if (found == first.end()) {
        first.emplace_back(tree.slot[parent], static_cast<int>(path.features.size()));
        path.features.push_back({0, 0, entry});
        found = first.end() - 1;
      }
      LeafPath::Feature& feature = path.features[static_cast<std::size_t>(found->second)];
      feature.care |= bit;
      if (left) feature.want |= bit;
    }
    return true;
  }

  /// The leaf's contribution to each feature, for each set of features that the row satisfies.
  static std::vector<double> leaf_values(const LeafPath& path, const std::vector<double>& background) {
    const std::size_t k = path.features.size();
    const unsigned all = (1u << k) - 1;
    std::vector<double> share(all + 1u), out((all + 1u) * k);
    for (std::size_t m = 0; m < background.size(); ++m)
      share[path.satisfied(static_cast<unsigned>(m))] += background[m];
    for (unsigned row = 0; row <= all; ++row)
      for (unsigned both = row;; both = (both - 1) & row) {  // the features that the background's row satisfies as well
        const unsigned other = both | (all & ~row);
        const auto a = static_cast<std::size_t>(std::popcount(row & ~other));
        const auto c = static_cast<std::size_t>(std::popcount(other & ~row));
        const double weight = share[other] * path.value;
        for (std::size_t i = 0; i < k; ++i) {
          const bool in_row = (row >> i) & 1u, in_other = (other >> i) & 1u;
          if (in_row != in_other)
            out[row * k + i] += in_row ? weight * coalition_weight(a, c) : -weight * coalition_weight(c, a);
        }
        if (both == 0) break;
      }
    return out;
  }

  template <class T>
  void fill(const std::vector<Outcomes<kDepth>>& background, const std::vector<double>& weights, T* out) const {
    LeafPath path;
    for (int k = 0; k < Shape::kBottoms; ++k, out += Shape::kOutcomes * kEntry) {
      std::vector<double> share(Shape::kOutcomes), sums(Shape::kOutcomes * kEntry);
      for (std::size_t i = 0; i < background.size(); ++i) share[background[i].of[k]] += weights[i];
      for (int leaf = 4 * k; leaf < 4 * k + 4; ++leaf) {
        if (!path_of(leaf, path)) continue;
        const std::size_t n = path.features.size();
        const std::vector<double> values = leaf_values(path, share);
        for (unsigned row = 0; row < Shape::kOutcomes; ++row)
          for (std::size_t i = 0; i < n; ++i)
            sums[row * kEntry + static_cast<std::size_t>(path.features[i].entry)] +=
                values[path.satisfied(row) * n + i];
      }
      for (std::size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<T>(sums[i]);
    }
  }
};

template <int kDepth, class T>
void fill_tables(const HeapForest<kDepth>& forest, const InterventionalState& state, std::size_t n_columns,
                 std::vector<T>& out) {
  constexpr std::size_t size = OutcomeShape<kDepth>::kTableSize;
  out.resize(forest.trees.size() * size);
  std::vector<Outcomes<kDepth>> background(state.weights.size());
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    for (std::size_t i = 0; i < background.size(); ++i)
      background[i] = outcomes(forest.trees[t], state.keys.data() + i * n_columns);
    TableBuilder<kDepth>{forest.trees[t]}.fill(background, state.weights, out.data() + t * size);
  }
}

template <class T>
void fill_tables(const ShapState& shap, const InterventionalState& state, std::vector<T>& out) {
  const std::size_t n_columns = std::max<std::size_t>(1, shap.n_columns());
  if (shap.full.trees.empty())
    fill_tables(shap.shallow, state, n_columns, out);
  else
    fill_tables(shap.full, state, n_columns, out);
}

std::vector<double> normalised(std::span<const float> weights, std::size_t n_rows) {
  if (n_rows == 0) throw Error("attribution.background", "the background has no rows", "use at least one row");
  if (!weights.empty() && weights.size() != n_rows)
    throw Error("attribution.background",
                std::to_string(weights.size()) + " weights for a background of " + std::to_string(n_rows) + " rows");
  std::vector<double> out(n_rows, 1.0);
  double sum = 0;
  for (std::size_t i = 0; i < n_rows; ++i) {
    if (!weights.empty()) out[i] = static_cast<double>(weights[i]);
    if (!(out[i] >= 0) || std::isinf(out[i]))
      throw Error("attribution.background", "weight " + std::to_string(i) + " is not a number >= 0");
    sum += out[i];
  }
  if (!(sum > 0)) throw Error("attribution.background", "all weights of the background are 0");
  for (double& weight : out) weight /= sum;
  return out;
}

}  // namespace

double coalition_weight(std::size_t a, std::size_t c) {
  if (a == 0) return 0;
  const auto x = static_cast<double>(a), y = static_cast<double>(c);
  double weight = 1 / x;  // one factor at a time: no factorial overflows
  for (double k = 1; k <= y; ++k) weight *= k / (x + k);
  return weight;
}

InterventionalTables::InterventionalTables(const Forest& forest, BatchView background, std::span<const float> weights,
                                           Precision precision) {
  check_columns(forest, background.n_columns);
  auto state = std::make_shared<InterventionalState>(forest);
  const ShapState& shap = state->shap.state();
  state->precision = precision;
  state->weights = normalised(weights, background.n_rows);
  const std::size_t n_columns = std::max<std::size_t>(1, shap.n_columns());
  state->keys.resize(background.n_rows * n_columns);
  state->bias.assign(forest.base_margin.begin(), forest.base_margin.end());
  for (std::size_t i = 0; i < background.n_rows; ++i) {
    std::int32_t* keys = state->keys.data() + i * n_columns;
    shap_keys(forest, shap, background.slice(i, 1), 1, keys);
    for (const ShapTree& tree : shap.trees) {
      const ShapNode* nodes = shap.nodes.data() + tree.first;
      std::uint32_t at = 0;
      while (nodes[at].left != 0) at = nodes[at].left + (keys[nodes[at].column] < nodes[at].key ? 0u : 1u);
      state->bias[tree.group] += state->weights[i] * nodes[at].value;
    }
  }
  if (precision == Precision::audit)
    fill_tables(shap, *state, state->audit);
  else
    fill_tables(shap, *state, state->single);
  state_ = std::move(state);
}

InterventionalCounts InterventionalTables::counts() const {
  const ShapCounts counts = state_->shap.counts();
  return {counts.heap, counts.deep};
}
Precision InterventionalTables::precision() const { return state_->precision; }
std::size_t InterventionalTables::memory_bytes() const {
  return state_->shap.memory_bytes() + state_->single.size() * sizeof(float) + state_->audit.size() * sizeof(double) +
         state_->keys.size() * sizeof(std::int32_t) + state_->weights.size() * sizeof(double);
}

}  // namespace sluice::gbdt
