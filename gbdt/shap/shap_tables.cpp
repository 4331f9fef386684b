#include <bit>
#include <limits>
#include <numbers>

#include "sluice/gbdt/load/lightgbm_cell.h"
#include "sluice/gbdt/shap/shap_kernel.h"  // IWYU pragma: keep
#include "sluice/gbdt/shap/shap_shares.h"
#include "sluice/gbdt/shap/shap_walk.h"  // IWYU pragma: keep

namespace sluice::gbdt {
namespace {

constexpr std::int32_t kMissingLeft = std::numeric_limits<std::int32_t>::min(),
                       kMissingRight = std::numeric_limits<std::int32_t>::max();
constexpr double kShareTolerance = 1e-6;

std::int32_t ordered(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x + 0.0f);  // -0 and 0 are equal
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}

/// Fills in a tree's nodes from the root down: the nodes above a node determine its points.
struct TreeBuilder {
  const Forest& forest;
  ShapState& state;
  const Tree& tree;
  ShapNode* nodes;
  struct Above {
    std::uint32_t feature;
    double share;  // product of the shares of this path's edges on the feature, including this one
    bool is_repeat;
  };
  std::vector<Above> path = {};
  std::size_t max_features = 0;
  bool adds_up = true;

  void split(std::uint32_t at, ShapNode& out) {
    const Node& node = forest.nodes[tree.first + at];
    const Shares shares = shares_of(forest, tree.first + at);
    out.left = node.left - tree.first;
    out.feature = node.feature;
    out.left_share = shares.left;
    out.right_share = shares.right;
    adds_up = adds_up && std::abs(shares.left + shares.right - 1) <= kShareTolerance;
    if (node.is_category()) {
      out.column = static_cast<std::uint32_t>(state.n_columns());
      out.key = 1;
      state.categories.push_back({node.feature, node.category_set(), node.default_right()});
    } else {
      out.column = 2 * node.feature + (node.default_right() ? 1u : 0u);
      if (node.zero_is_missing()) out.column += 2 * static_cast<std::uint32_t>(state.n_features);
      out.key = threshold_key(node.value);
    }
    for (std::size_t level = path.size(); level-- > 0 && out.earlier < 0;)
      if (path[level].feature == node.feature) {
        out.earlier = static_cast<std::int32_t>(level);
        out.path_share = path[level].share;
      }
  }

  void visit(std::uint32_t at) {
    ShapNode& out = nodes[at];
    const Node& node = forest.nodes[tree.first + at];
    if (node.is_leaf()) {
      out.value = static_cast<double>(node.value);
      max_features = std::max(max_features, static_cast<std::size_t>(std::count_if(
                                                path.begin(), path.end(), [](auto& a) { return !a.is_repeat; })));
      return;
    }
    split(at, out);
    for (const bool right : {false, true}) {
      path.push_back({node.feature, out.path_share * (right ? out.right_share : out.left_share), out.earlier >= 0});
      visit(out.left + (right ? 1u : 0u));
      path.pop_back();
    }
  }
};

ShapState build(const Forest& forest) {
  check_attributable(forest);
  check_shap_depth(forest);
  ShapState state;
  state.n_features = forest.n_features;
  state.n_groups = forest.n_groups;
  state.n_nodes = forest.nodes.size();
  state.has_missing_zeros =
      std::any_of(forest.nodes.begin(), forest.nodes.end(), [](const Node& node) { return node.zero_is_missing(); });
  state.n_category_sets = forest.category_sets.size();
  state.nodes.resize(forest.nodes.size());
  state.bias = expected_margins(forest);
  state.rounding.assign(forest.base_margin.begin(), forest.base_margin.end());
  for (double& largest : state.rounding) largest = std::abs(largest);
  std::vector<std::uint32_t> heaps;
  for (std::size_t i = 0; i < forest.trees.size(); ++i) {
    const Tree& tree = forest.trees[i];
    TreeBuilder builder{forest, state, tree, state.nodes.data() + tree.first};
    builder.visit(0);
    const auto n_points = static_cast<std::uint32_t>(std::max<std::size_t>(1, (builder.max_features + 1) / 2));
    state.trees.push_back({tree.first, n_points, tree.depth, tree.group});
    (builder.adds_up && tree.depth <= 6 ? heaps : state.deep).push_back(static_cast<std::uint32_t>(i));
    state.max_points = std::max(state.max_points, n_points);
    state.max_depth = std::max(state.max_depth, tree.depth);
    float largest = 0;
    for (std::uint32_t n = 0; n < tree.n_nodes; ++n)
      if (forest.nodes[tree.first + n].is_leaf())
        largest = std::max(largest, std::abs(forest.nodes[tree.first + n].value));
    state.rounding[tree.group] += static_cast<double>(largest);
  }
  for (double& largest : state.rounding) largest *= static_cast<double>(forest.trees.size() + 1) * 0x1p-23;
  for (std::size_t q = 0; q <= std::max(state.max_points, 3u); ++q) state.quadratures.push_back(gauss_legendre(q));
  build_heaps(state, heaps);
  return state;
}

template <class T>
std::size_t bytes_of(const std::vector<T>& v) {
  return v.capacity() * sizeof(T);
}

template <int kDepth>
std::size_t bytes_of(const HeapForest<kDepth>& forest) {
  std::size_t bytes = bytes_of(forest.trees) + bytes_of(forest.row_units) + bytes_of(forest.lane_units);
  for (const auto& tree : forest.trees) bytes += bytes_of(tree.repeats);
  for (const auto& repeats : forest.lane_repeats) bytes += bytes_of(repeats);
  return bytes;
}

}  // namespace

std::int32_t threshold_key(float threshold) {
  // NaN: all values that are not missing are below
  return std::isnan(threshold) ? kMissingRight : ordered(threshold);
}

void shap_keys(const Forest& forest, const ShapState& state, BatchView rows, std::size_t width, std::int32_t* keys) {
  const bool is_lightgbm = !forest.exact_values.empty();
  for (std::size_t lane = 0; lane < width; ++lane) {
    const float* row = rows.row(std::min(lane, rows.n_rows - 1)).data();
    std::int32_t* column = keys + lane;
    const auto put = [&](float x) {
      column[0] = std::isnan(x) ? kMissingLeft : ordered(x);
      column[width] = std::isnan(x) ? kMissingRight : ordered(x);
      column += 2 * width;
    };
    for (std::size_t f = 0; f < state.n_features; ++f) put(row[f]);
    for (std::size_t f = 0; state.has_missing_zeros && f < state.n_features; ++f) put(zero_as_missing(row[f]));
    for (const auto& category : state.categories) {
      const float x = is_lightgbm ? lightgbm_category(row[category.feature]) : row[category.feature];
      const bool right = std::isnan(x) ? category.missing_right : contains(forest, category.set, x) != 0;
      *column = right ? 1 : 0;
      column += width;
    }
  }
}

float inverse_curve(float t) {
  const float curve = t * (1.0f - t), nearest = 1.0f / curve;
  for (const float guess : {nearest, std::nextafter(nearest, 0.0f), std::nextafter(nearest, 1e30f)})
    if (curve * guess == 1.0f) return guess;
  return nearest;
}

Quadrature gauss_legendre(std::size_t n) {
  Quadrature out;
  for (std::size_t i = 0; i < n; ++i) {
    long double x = std::cos(std::numbers::pi_v<long double> * (static_cast<long double>(i) + 0.75L) /
                             (static_cast<long double>(n) + 0.5L));
    long double slope = 1;
    for (int step = 0; step < 100; ++step) {  // Newton; the initial guess has a few correct digits
      long double before = 1, value = x;
      for (std::size_t k = 2; k <= n; ++k) {
        const auto m = static_cast<long double>(k);
        before = std::exchange(value, ((2 * m - 1) * x * value - (m - 1) * before) / m);
      }
      slope = static_cast<long double>(n) * (x * value - before) / (x * x - 1);
      const long double move = value / slope;
      x -= move;
      if (std::abs(move) < 1e-18L) break;
    }
    out.t.push_back(static_cast<double>((1 + x) / 2));
    out.curve.push_back(inverse_curve(static_cast<float>(out.t.back())));
    out.w.push_back(static_cast<double>(1 / ((1 - x * x) * slope * slope)));
  }
  return out;
}

ShapTables::ShapTables(const Forest& forest) : state_(std::make_shared<const ShapState>(build(forest))) {}

ShapCounts ShapTables::counts() const { return {state_->n_heaps(), state_->deep.size()}; }

std::size_t ShapTables::memory_bytes() const {
  return sizeof(ShapState) + bytes_of(state_->nodes) + bytes_of(state_->trees) + bytes_of(state_->categories) +
         bytes_of(state_->cells) + bytes_of(state_->shallow) + bytes_of(state_->full);
}

}  // namespace sluice::gbdt
