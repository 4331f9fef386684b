#pragma once
/// The tables that shap_tables.cpp prepares and the kernels read. Not installed.
///
/// A row is compared by integer keys, [column]. Columns 2f and 2f + 1 have feature f in the order of floats, with
/// missing below everything (default left) and above everything (default right). If some splits read zero as missing,
/// the same number of columns follows with the features as those splits read them. A categorical split has a column of
/// its own. Every split is then "key < its key goes left", without special cases.
///
/// phi is summed in slots: group x n_features + feature.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/shap.h"

namespace sluice::gbdt {

/// Gauss-Legendre points and weights on [0, 1].
struct Quadrature {
  std::vector<double> t, w;
  std::vector<float> curve;  // inverse_curve of each point
};

/// 1 / (t (1 - t)) for a float t, such that the product with t (1 - t) is 1: a node that repeats no feature has kappa
/// 1.
float inverse_curve(float t);

/// A split or leaf as read by the walk of deep trees, the audit and the interactions.
struct ShapNode {
  std::uint32_t left = 0;    // index within the tree; 0 for a leaf
  std::uint32_t column = 0;  // of the keys
  std::int32_t key = 0;
  std::uint32_t feature = 0;
  std::int32_t earlier = -1;  // level of the nearest split above on the same feature; -1: none
  double left_share = 0, right_share = 0;
  double path_share = 1;  // product of the shares of the edges on the same feature above
  double value = 0;       // of a leaf
};

struct ShapTree {
  std::size_t first = 0;  // its root in ShapState::nodes
  std::uint32_t n_points = 1, depth = 0, group = 0;
};

constexpr std::size_t kTreeLanes = 16;  // trees in parallel in the one-row kernel
constexpr std::size_t kBlockRows = 16;  // rows in parallel in the batch kernel

/// A tree of up to kDepth levels, padded to a full heap: node n has children 2n + 1 and 2n + 2. The lowest two levels
/// of splits are kBottoms subtrees of three splits and four leaves each.
template <int kDepth>
struct HeapShape {
  static constexpr int kPoints = kDepth / 2, kNodes = (1 << kDepth) - 1;
  static constexpr int kBottoms = 1 << (kDepth - 2), kTop = kBottoms - 1;
};

/// The kernels read a heap in units of four levels, which are heaps of 15 splits themselves. The levels above are a
/// unit of their own, the last, with three splits.
constexpr int kUnitSplits = 15, kUnitBottoms = 4;
template <int kDepth>
constexpr std::size_t kLowUnits = std::size_t{1} << (kDepth - 4);
template <int kDepth>
constexpr std::size_t kUnits = kDepth == 4 ? 1 : kLowUnits<kDepth> + 1;

/// A node whose feature was split on above: its points if the row took all those edges; otherwise 0.
template <int kDepth>
struct HeapRepeat {
  float tau[kDepth / 2], rest[kDepth / 2], kappa[kDepth / 2];  // tau, 1 - tau, weight of the contribution
  std::uint32_t levels = 0;                                    // bits: the levels above that split on the feature
};

enum class BottomKind : std::uint8_t { lookup, repeat, nodes, leaf };

/// A bottom that repeats features, at most one of them a feature of the levels above. Its contribution depends on the
/// outcomes of its splits and on whether the row takes all edges above on that feature: [8 x that + outcomes].
template <int kDepth>
struct alignas(64) RepeatBottom {
  static constexpr int kPoints = kDepth / 2;
  float down[kPoints][16];                                    // P of the left split, as a share of the root's
  float h[kPoints][16], d[kPoints][16];                       // the root's H; its D x kappa
  float left_weight[kPoints][16], right_weight[kPoints][16];  // kappa of the left, right split
  float lowest[16];                                           // D of the left split, then of the right, by outcomes
  std::uint16_t asks[kDepth - 2] = {};                        // all bits: that level above splits on the feature
};

/// A tree in its heap.
template <int kDepth>
struct HeapTree : HeapShape<kDepth> {
  using Shape = HeapShape<kDepth>;
  float leaves[Shape::kNodes + 1];
  float left[Shape::kNodes], right[Shape::kNodes];  // shares
  std::int32_t key[Shape::kNodes];
  std::uint32_t column[Shape::kNodes], slot[Shape::kNodes];
  std::uint8_t repeat[Shape::kNodes];  // 1 + index in `repeats`, or 0
  bool is_padding[Shape::kNodes];
  std::vector<HeapRepeat<kDepth>> repeats;
};

/// For one tree and many rows.
template <int kDepth>
struct alignas(64) RowUnit {
  static constexpr int kPoints = kDepth / 2;
  /// By the outcomes of a bottom's splits (4 root, 2 left, 1 right; set: the row goes left): H of each point in the
  /// first eight, D in the others; then D of the left and of the right split.
  float lookup[kUnitBottoms][kPoints + 1][16];
  float not_taken[kUnitSplits][kPoints];  // (1 - t) x left
  float left[kUnitSplits], right[kUnitSplits], leaves[kUnitSplits + 1];
  std::int32_t key[kUnitSplits];
  std::uint32_t column[kUnitSplits], slot[kUnitSplits];  // times kBlockRows
  std::uint32_t repeat_bottom[kUnitBottoms];             // index in HeapForest::repeat_bottoms
  BottomKind kind[kUnitBottoms];
  std::uint8_t repeat[kUnitSplits];
  // The root's left, right child that plain_half computes; 0: none.
  std::uint8_t half[2];
};

/// For one row and 16 trees. Repeats have a full line if one tree of the 16 has one there.
template <int kDepth>
struct alignas(64) LaneUnit {
  float leaves[kUnitSplits + 1][kTreeLanes], left[kUnitSplits][kTreeLanes], right[kUnitSplits][kTreeLanes];
  std::int32_t key[kUnitSplits][kTreeLanes];
  std::uint32_t column[kUnitSplits][kTreeLanes];
  std::uint8_t repeat[kUnitSplits];
};
template <int kDepth>
struct LaneRepeat {
  float tau[kDepth / 2][kTreeLanes];
  std::uint16_t levels[kDepth];  // trees that split on the feature at that level
};

template <int kDepth>
struct HeapForest {
  std::vector<HeapTree<kDepth>> trees;
  std::vector<RowUnit<kDepth>> row_units;  // [tree][kUnits]
  std::vector<RepeatBottom<kDepth>> repeat_bottoms;
  std::vector<LaneUnit<kDepth>> lane_units;  // [16 trees][kUnits]
  std::vector<std::vector<LaneRepeat<kDepth>>> lane_repeats;

  std::size_t n_lane_groups() const { return lane_repeats.size(); }
};

/// Where the one-row kernel writes a slot's contributions: places in ShapState::cells, in the order in which the batch
/// kernel adds them.
struct SlotCells {
  std::uint32_t slot = 0, first = 0, count = 0;
};

struct ShapState {
  std::size_t n_features = 0, n_groups = 1, n_nodes = 0, n_category_sets = 0;
  std::vector<ShapNode> nodes;
  std::vector<ShapTree> trees;
  std::vector<std::uint32_t> deep;  // the trees that are not heaps
  struct Category {
    std::uint32_t feature, set;
    bool missing_right;
  };
  bool has_missing_zeros = false;
  std::vector<Category> categories;     // columns after the features'
  std::vector<Quadrature> quadratures;  // [n_points]
  std::uint32_t max_depth = 0, max_points = 1;

  HeapForest<4> shallow;  // only one of the two has heaps
  HeapForest<6> full;
  std::vector<SlotCells> slots;  // most contributions first
  std::vector<std::uint32_t> cells;

  std::vector<double> bias;      // one per group
  std::vector<double> rounding;  // the margin's largest float32 error, one per group

  std::size_t n_columns() const { return (has_missing_zeros ? 4 : 2) * n_features + categories.size(); }
  std::size_t n_slots() const { return n_groups * n_features; }
  std::size_t n_cells() const {
    return kTreeLanes * (shallow.n_lane_groups() * HeapShape<4>::kNodes + full.n_lane_groups() * HeapShape<6>::kNodes);
  }
  std::size_t n_heaps() const { return shallow.trees.size() + full.trees.size(); }
};

/// Builds ShapState's heaps of these trees, all at most 6 splits deep.
void build_heaps(ShapState& state, const std::vector<std::uint32_t>& trees);

Quadrature gauss_legendre(std::size_t n_points);

/// Keys of 1 to `width` rows, [n_columns][width]; unused lanes repeat the last row.
void shap_keys(const Forest& forest, const ShapState& state, BatchView rows, std::size_t width, std::int32_t* keys);
/// Values below this key go left if the threshold sends them left.
std::int32_t threshold_key(float threshold);

}  // namespace sluice::gbdt
