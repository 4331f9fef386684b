#include <algorithm>
#include <cmath>

#include "sluice/gbdt/shap/shap_heap.h"  // IWYU pragma: keep

namespace sluice::gbdt {
namespace {

template <int kDepth>
using Repeat = HeapRepeat<kDepth>;

/// Copies a tree into its heap. Below a leaf, padding splits send every row to the same value.
template <int kDepth>
struct HeapBuilder {
  using Shape = HeapShape<kDepth>;
  const ShapState& state;
  const ShapTree& tree;
  const Quadrature& points;
  HeapTree<kDepth>& heap;
  std::vector<RepeatBottom<kDepth>>& repeat_bottoms;

  void place(int n, int level, std::uint32_t at) {
    const ShapNode& node = state.nodes[tree.first + at];
    if (level == kDepth) {
      const int k = n - Shape::kNodes;
      heap.leaves[k] = static_cast<float>(node.value);
      return;
    }
    const bool is_split = node.left != 0;
    heap.is_padding[n] = !is_split;
    heap.column[n] = node.column;
    heap.key[n] = node.key;
    heap.slot[n] = static_cast<std::uint32_t>(tree.group * state.n_features) + node.feature;
    heap.left[n] = is_split ? static_cast<float>(node.left_share) : 0.5f;
    heap.right[n] = is_split ? static_cast<float>(node.right_share) : 0.5f;
    heap.repeat[n] = 0;
    if (is_split && node.earlier >= 0) add_repeat(n, level, node);
    place(2 * n + 1, level + 1, is_split ? node.left : at);
    place(2 * n + 2, level + 1, is_split ? node.left + 1 : at);
  }

  float rest(int q) const { return 1.0f - static_cast<float>(points.t[static_cast<std::size_t>(q)]); }

  void add_repeat(int n, int level, const ShapNode& node) {
    Repeat<kDepth> repeat;
    for (int q = 0; q < Shape::kPoints; ++q) {
      const double t = points.t[static_cast<std::size_t>(q)], z = node.path_share, a = t + (1 - t) * z;
      repeat.tau[q] = static_cast<float>(t / a);
      repeat.rest[q] = 1.0f - repeat.tau[q];
      repeat.kappa[q] = repeat_kappa(repeat.tau[q], repeat.rest[q], points.curve[static_cast<std::size_t>(q)]);
    }
    for (int above = n, l = level; l-- > 0;) {
      above = (above - 1) / 2;
      if (heap.slot[above] == heap.slot[n]) repeat.levels |= 1u << l;
    }
    heap.repeats.push_back(repeat);
    heap.repeat[n] = static_cast<std::uint8_t>(heap.repeats.size());
  }

  /// The unit whose root is node `root` of the heap.
  void fill_unit(RowUnit<kDepth>& unit, int root, int n_splits) {
    for (int own = 0; own < n_splits; ++own) {
      const int n = heap_node(root, own);
      unit.left[own] = heap.left[n];
      unit.right[own] = heap.right[n];
      for (int q = 0; q < Shape::kPoints; ++q) unit.not_taken[own][q] = rest(q) * heap.left[n];
      unit.key[own] = heap.key[n];
      unit.column[own] = static_cast<std::uint32_t>(heap.column[n] * kBlockRows);
      unit.slot[own] = static_cast<std::uint32_t>(heap.slot[n] * kBlockRows);
      unit.repeat[own] = heap.repeat[n];
    }
    if (n_splits < kUnitSplits) return;
    const int first_leaf = heap_node(root, kUnitSplits) - Shape::kNodes;
    std::copy_n(heap.leaves + first_leaf, kUnitSplits + 1, unit.leaves);
    for (int k = 0; k < kUnitBottoms; ++k) {
      unit.kind[k] = kind_of(unit, k, heap.is_padding[heap_node(root, 3 + k)]);
      for (int outcomes = 0; outcomes < 8; ++outcomes) fill_lookup(unit, k, outcomes);
      if (unit.kind[k] == BottomKind::repeat) add_repeat_bottom(unit, k);
    }
    for (int half = 0; half < 2; ++half) {
      const BottomKind left = unit.kind[2 * half], right = unit.kind[2 * half + 1];
      const bool is_taken = unit.repeat[1 + half] == 0 && left != BottomKind::nodes && right != BottomKind::nodes;
      const int kind = 1 + (left == BottomKind::repeat ? 1 : 0) + (right == BottomKind::repeat ? 2 : 0);
      unit.half[half] = static_cast<std::uint8_t>(is_taken ? kind : 0);
    }
  }

  const Repeat<kDepth>* repeat_of(const RowUnit<kDepth>& unit, int own) const {
    return unit.repeat[own] == 0 ? nullptr : &heap.repeats[unit.repeat[own] - 1u];
  }
  static constexpr std::uint32_t kAbove = (1u << (kDepth - 2)) - 1, kRoot = 1u << (kDepth - 2);  // levels of a bottom

  BottomKind kind_of(const RowUnit<kDepth>& unit, int k, bool is_padding) const {
    if (is_padding) return BottomKind::leaf;
    const int n = 3 + k;
    std::uint32_t levels = 0;
    BottomKind kind = BottomKind::lookup;
    for (const int own : {n, 2 * n + 1, 2 * n + 2}) {
      const Repeat<kDepth>* repeat = repeat_of(unit, own);
      if (repeat == nullptr) continue;
      kind = BottomKind::repeat;
      const std::uint32_t above = repeat->levels & kAbove;
      // Two features of the levels above.
      if (above != 0 && levels != 0 && above != levels) return BottomKind::nodes;
      if (above != 0) levels = above;
    }
    return kind;
  }

  /// A split's points for one combination of the row's outcomes: HeapWalk::repeat_step.
  struct Step {
    float tau, rest, kappa;
  };
  Step step_of(const Repeat<kDepth>* repeat, int q, bool is_open, bool takes_root_edge) const {
    if (repeat == nullptr) return {static_cast<float>(points.t[static_cast<std::size_t>(q)]), rest(q), 1.0f};
    const bool open = ((repeat->levels & kAbove) == 0 || is_open) && ((repeat->levels & kRoot) == 0 || takes_root_edge);
    return open ? Step{repeat->tau[q], repeat->rest[q], repeat->kappa[q]} : Step{0.0f, 1.0f, 0.0f};
  }

  void add_repeat_bottom(RowUnit<kDepth>& unit, int k) {
    const int n = 3 + k;
    const Repeat<kDepth>* repeats[] = {repeat_of(unit, n), repeat_of(unit, 2 * n + 1), repeat_of(unit, 2 * n + 2)};
    RepeatBottom<kDepth> out;
    for (const Repeat<kDepth>* repeat : repeats)
      for (int level = 0; repeat != nullptr && level < kDepth - 2; ++level)
        if ((repeat->levels >> level) & 1u) out.asks[level] = 0xffff;
    std::copy_n(unit.lookup[k][Shape::kPoints], 16, out.lowest);
    for (int at = 0; at < 16; ++at)
      for (int q = 0; q < Shape::kPoints; ++q) fill_repeat(unit, k, repeats, at, q, out);
    unit.repeat_bottom[k] = static_cast<std::uint32_t>(repeat_bottoms.size());
    repeat_bottoms.push_back(out);
  }

  /// The operations of HeapWalk::down, lowest and up, one by one.
  void fill_repeat(const RowUnit<kDepth>& unit, int k, const Repeat<kDepth>* const* repeats, int at, int q,
                   RepeatBottom<kDepth>& out) const {
    const float* v = unit.leaves + 4 * k;
    const int n = 3 + k;
    const bool open = (at & 8) != 0, root = (at & 4) != 0, a = (at & 2) != 0, b = (at & 1) != 0;
    const Step top = step_of(repeats[0], q, open, true), left = step_of(repeats[1], q, open, root),
               right = step_of(repeats[2], q, open, !root);
    const float taken = top.rest * unit.left[n];
    out.down[q][at] = root ? taken + top.tau : taken;
    out.left_weight[q][at] = left.kappa;
    out.right_weight[q][at] = right.kappa;
    const float ha = std::fma(-left.rest, out.lowest[at & 7], a ? v[0] : v[1]);
    const float hb = std::fma(-right.rest, out.lowest[8 + (at & 7)], b ? v[2] : v[3]);
    const float d = (ha - hb) * (root ? unit.right[n] : 0.0f - unit.left[n]);
    out.h[q][at] = std::fma(-top.rest, d, root ? ha : hb);
    out.d[q][at] = d * top.kappa;
  }

  /// The operations of HeapWalk::lowest and up, one by one.
  void fill_lookup(RowUnit<kDepth>& unit, int k, int outcomes) const {
    const int n = 3 + k;
    const float* v = unit.leaves + 4 * k;
    const auto share = [&](int node, bool left) { return left ? unit.right[node] : 0.0f - unit.left[node]; };
    const bool root = (outcomes & 4) != 0, a = (outcomes & 2) != 0, b = (outcomes & 1) != 0;
    const float da = (v[0] - v[1]) * share(2 * n + 1, a), db = (v[2] - v[3]) * share(2 * n + 2, b);
    unit.lookup[k][Shape::kPoints][outcomes] = da;
    unit.lookup[k][Shape::kPoints][8 + outcomes] = db;
    for (int q = 0; q < Shape::kPoints; ++q) {
      const float ha = std::fma(-rest(q), da, a ? v[0] : v[1]), hb = std::fma(-rest(q), db, b ? v[2] : v[3]);
      const float d = (ha - hb) * share(n, root);
      unit.lookup[k][q][outcomes] = std::fma(-rest(q), d, root ? ha : hb);
      unit.lookup[k][q][8 + outcomes] = d;
    }
  }

  /// Node `own` of the unit whose root is `root`; the leaves follow the splits.
  static int heap_node(int root, int own) {
    int level = 0;
    while ((2 << level) <= own + 1) ++level;
    return (root + 1) * (1 << level) - 1 + (own + 1 - (1 << level));
  }
};

/// The units of 16 adjacent trees.
template <int kDepth>
struct LaneBuilder {
  using Shape = HeapShape<kDepth>;
  const HeapTree<kDepth>* trees;
  std::size_t n_trees;  // up to 16; the remaining lanes are trees of zeros
  const Quadrature& points;
  std::vector<LaneRepeat<kDepth>> repeats = {};

  void fill_unit(LaneUnit<kDepth>& unit, int root, int n_splits) {
    for (int own = 0; own < n_splits; ++own) {
      const int n = HeapBuilder<kDepth>::heap_node(root, own);
      for (std::size_t lane = 0; lane < n_trees; ++lane) {
        unit.left[own][lane] = trees[lane].left[n];
        unit.right[own][lane] = trees[lane].right[n];
        unit.key[own][lane] = trees[lane].key[n];
        unit.column[own][lane] = trees[lane].column[n];
      }
      unit.repeat[own] = add_repeat(n);
    }
    if (n_splits < kUnitSplits) return;
    const int first_leaf = HeapBuilder<kDepth>::heap_node(root, kUnitSplits) - Shape::kNodes;
    for (std::size_t lane = 0; lane < n_trees; ++lane)
      for (int leaf = 0; leaf <= kUnitSplits; ++leaf) unit.leaves[leaf][lane] = trees[lane].leaves[first_leaf + leaf];
  }

  std::uint8_t add_repeat(int n) {
    LaneRepeat<kDepth> out = {};
    bool has_repeat = false;
    for (std::size_t lane = 0; lane < kTreeLanes; ++lane) {
      const bool is_repeat = lane < n_trees && trees[lane].repeat[n] != 0;
      has_repeat = has_repeat || is_repeat;
      const HeapRepeat<kDepth>* from = is_repeat ? &trees[lane].repeats[trees[lane].repeat[n] - 1u] : nullptr;
      for (int q = 0; q < Shape::kPoints; ++q) {
        const double t = points.t[static_cast<std::size_t>(q)];
        out.tau[q][lane] = is_repeat ? from->tau[q] : static_cast<float>(t);
      }
      for (int l = 0; is_repeat && l < kDepth; ++l)
        out.levels[l] = static_cast<std::uint16_t>(out.levels[l] | (((from->levels >> l) & 1u) << lane));
    }
    if (!has_repeat) return 0;
    repeats.push_back(out);
    return static_cast<std::uint8_t>(repeats.size());
  }
};

/// Calls fill(unit, its root in the heap, its number of splits).
template <int kDepth, class Fill>
void for_each_unit(const Fill& fill) {
  const int low = static_cast<int>(kLowUnits<kDepth>);
  for (int k = 0; k < low; ++k) fill(static_cast<std::size_t>(k), low - 1 + k, kUnitSplits);
  if (kDepth > 4) fill(kLowUnits<kDepth>, 0, low - 1);
}

void list_cells(ShapState& state, const std::vector<std::vector<std::uint32_t>>& cells) {
  for (std::size_t slot = 0; slot < cells.size(); ++slot) {
    if (cells[slot].empty()) continue;
    state.slots.push_back({static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(state.cells.size()),
                           static_cast<std::uint32_t>(cells[slot].size())});
    state.cells.insert(state.cells.end(), cells[slot].begin(), cells[slot].end());
  }
  std::stable_sort(state.slots.begin(), state.slots.end(), [](auto& a, auto& b) { return a.count > b.count; });
}

template <int kDepth>
void build(ShapState& state, const std::vector<std::uint32_t>& trees, HeapForest<kDepth>& out) {
  std::vector<std::vector<std::uint32_t>> cells(std::max<std::size_t>(1, state.n_slots()));
  const Quadrature& points = state.quadratures[kDepth / 2];
  out.trees.resize(trees.size());
  out.row_units.resize(trees.size() * kUnits<kDepth>);
  for (std::size_t i = 0; i < trees.size(); ++i) {
    HeapBuilder<kDepth> builder{state, state.trees[trees[i]], points, out.trees[i], out.repeat_bottoms};
    builder.place(0, 0, 0);
    for_each_unit<kDepth>([&](std::size_t k, int root, int n_splits) {
      builder.fill_unit(out.row_units[i * kUnits<kDepth> + k], root, n_splits);
    });
    out.trees[i].repeats.shrink_to_fit();
    std::size_t place = i / kTreeLanes * HeapShape<kDepth>::kNodes * kTreeLanes + i % kTreeLanes;
    auto add = [&](int n) {
      if (!out.trees[i].is_padding[n]) cells[out.trees[i].slot[n]].push_back(static_cast<std::uint32_t>(place));
      place += kTreeLanes;
    };
    in_order_of_adding<kDepth>(0, 0, add);
  }
  out.lane_units.resize((trees.size() + kTreeLanes - 1) / kTreeLanes * kUnits<kDepth>);
  for (std::size_t i = 0; i < trees.size(); i += kTreeLanes) {
    LaneBuilder<kDepth> lanes{&out.trees[i], std::min(kTreeLanes, trees.size() - i), points};
    for_each_unit<kDepth>([&](std::size_t k, int root, int n_splits) {
      lanes.fill_unit(out.lane_units[i / kTreeLanes * kUnits<kDepth> + k], root, n_splits);
    });
    out.lane_repeats.push_back(std::move(lanes.repeats));
  }
  list_cells(state, cells);
}

}  // namespace

void build_heaps(ShapState& state, const std::vector<std::uint32_t>& trees) {
  const bool is_shallow =
      std::all_of(trees.begin(), trees.end(), [&](std::uint32_t i) { return state.trees[i].depth <= 4; });
  if (is_shallow)
    build(state, trees, state.shallow);
  else
    build(state, trees, state.full);
}

}  // namespace sluice::gbdt
