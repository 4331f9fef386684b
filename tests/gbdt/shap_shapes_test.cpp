/// Attributions by the shape of the forest. The shape determines the depth of heaps, whether trees are walked and
/// whether a row's splits are evaluated by bins. Each path's runs are counted per kernel, so that no path passes
/// without running.

#include <cmath>
#include <map>
#include <set>

#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/shap/shap_state.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/forest_shapes.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260401;
constexpr std::size_t kDistinctRows = 7;

std::vector<ForestShape> depth_shapes() {
  std::vector<ForestShape> out;
  for (const int depth : {0, 1, 2, 3, 4, 5, 6, 7, 12, 13})
    for (const Form form : {Form::full, Form::left, Form::right})
      for (const int n_features : {1, 2, 6, 200}) {
        if (form == Form::full && depth > 7) continue;
        const std::string name = "depth " + std::to_string(depth) + ", form " + std::to_string(static_cast<int>(form));
        out.push_back({name, n_features, 1, std::vector<TreeShape>(3, {.depth = depth, .form = form})});
      }
  return out;
}

std::vector<ForestShape> count_shapes() {
  std::vector<ForestShape> out;
  for (const std::size_t n : {1, 15, 16, 17, 31, 32, 33, 47, 48, 49}) {
    const std::string name = std::to_string(n) + " trees";
    const auto add = [&](const char* what, TreeShape shape, TreeShape last) {
      out.push_back({name + what, 5, 1, many_and_one(n, shape, last)});
    };
    add(", leaves alone", {}, {});
    add(", stumps", {.depth = 1}, {.depth = 1});
    for (const int depth : {3, 4, 5, 6}) add(", all full", {.depth = depth}, {.depth = depth});
    for (const int depth : {1, 4, 5, 6, 7, 12})
      add(", one split", {}, {.depth = depth, .form = depth == 12 ? Form::left : Form::full});
    add(", no cover", {.depth = 4, .has_cover = false}, {.depth = 7, .has_cover = false});
    add(", one has lost cover", {.depth = 4}, {.depth = 4, .kept = 0.8f});
    add(", categories", {.depth = 4, .n_categories = 20}, {.depth = 6, .n_categories = 20});
  }
  for (const std::size_t n : {300, 500})
    for (const int depth : {0, 1})
      out.push_back({"many small trees, one deep", 5, 1, many_and_one(n, {.depth = depth}, {.depth = 6})});
  return out;
}

/// Groups, some of them without splits; numbers of features around the capacity of registers of bins; categories around
/// the codes of a byte; cuts of several columns.
std::vector<ForestShape> width_shapes() {
  std::vector<ForestShape> out;
  for (const int n_groups : {2, 3})
    for (const int n_features : {1, 3})
      for (const int depth : {0, 1, 4, 6, 7}) {
        ForestShape shape{std::to_string(n_groups) + " groups", n_features, n_groups, {}};
        for (int t = 0; t < 3 * n_groups; ++t)
          shape.trees.push_back({.depth = t % n_groups == 0 ? depth : 0, .group = t % n_groups});
        out.push_back(shape);
      }
  for (const int n_features : {63, 64, 65, 127, 128, 129, 255, 256, 257})
    for (const bool has_categories : {false, true})
      out.push_back({std::to_string(n_features) + " features", n_features, 1,
                     std::vector<TreeShape>(5, {.depth = 6, .n_categories = has_categories ? 20 : 0})});
  for (const int n :
       // one, two and four words of codes, or none
       {61, 62, 63, 125, 126, 127, 253, 254, 255, 256, 1000})
    out.push_back(
        {std::to_string(n) + " categories", 3, 1, std::vector<TreeShape>(2, {.depth = 5, .n_categories = n})});
  for (const std::size_t n : {4, 5, 9})  // 252, 315 and 567 cuts of one feature: one, two and three columns
    out.push_back({std::to_string(63 * n) + " cuts", 1, 1, std::vector<TreeShape>(n, {.depth = 6})});
  return out;
}

/// Whether one row's splits are evaluated by bins: left_bits_for (shap.cpp).
bool has_bits(const Forest& forest, const ShapState& state, Kernel kernel) {
  return state.deep.empty() && has_method(forest, kernel, Method::rows) && forest.binned->rows.are_heaps();
}

/// How a row's contributions are computed.
std::string path_of(const Forest& forest, const ShapTables& tables, Kernel kernel, bool is_row) {
  const ShapState& state = tables.state();
  std::string path = !state.full.trees.empty() ? "full" : !state.shallow.trees.empty() ? "shallow" : "no";
  path += state.deep.empty() ? " heaps" : " heaps, walks";
  return path + (!is_row ? ", batch" : has_bits(forest, state, kernel) ? ", bits" : ", keys");
}

/// Number of runs of each path, per kernel.
using Visits = std::map<Kernel, std::map<std::string, std::size_t>>;

struct Case {
  PlainModel model;
  Forest forest, walked;  // the same forest; without bins
  ShapTables tables;
  FloatTable rows;
  std::size_t width;
  std::vector<float> expected;  // of each row, by the scalar kernel

  Case(const ForestShape& shape, std::uint64_t seed)
      : model(make_forest(shape, seed)),
        forest(load_xgboost(to_json(model), "shape")),
        walked(forest),
        tables(forest),
        width(attribution_size(forest, 1)) {
    walked.binned = nullptr;
    Random random(seed, 1);
    rows = random_rows(model, kDistinctRows, random);
    put_last_categories(shape, rows);
    expected = one_by_one(walked, Kernel::scalar);
  }

  std::vector<float> one_by_one(const Forest& of, Kernel kernel) const {
    std::vector<float> out(kDistinctRows * width);
    ShapWorkspace workspace(tables);
    for (std::size_t i = 0; i < kDistinctRows; ++i) {
      const ShapReport report =
          shap_row(of, tables, rows.row(i), std::span(out).subspan(i * width, width), workspace, kernel);
      REQUIRE(report.kernel == kernel);
      // Otherwise it is not this kernel's result.
      REQUIRE(report.n_recomputed == 0);
    }
    return out;
  }
};

/// "" if a batch of `n` rows, with the distinct ones repeated, has the expected bits.
std::string trouble_in_batch(const Case& c, std::size_t n, Kernel kernel, ThreadPool* pool = nullptr) {
  FloatTable rows(c.forest.n_features, n);
  std::vector<float> expected;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t k = i % kDistinctRows;
    std::ranges::copy(c.rows.row(k), rows.row(i).begin());
    expected.insert(expected.end(), c.expected.begin() + static_cast<std::ptrdiff_t>(k * c.width),
                    c.expected.begin() + static_cast<std::ptrdiff_t>((k + 1) * c.width));
  }
  std::vector<float> phi(expected.size());
  const ShapReport report = shap(c.forest, c.tables, rows.view(), phi, {.kernel = kernel, .pool = pool});
  if (report.kernel != kernel) return "another kernel ran";
  return report.n_recomputed > 0 ? "computed again" : difference(phi, expected);
}

/// The scalar kernel's float32 and the audit against the sums over coalitions, or algorithm 2 if there are too many.
void check_values(const Case& c) {
  std::vector<double> exact(kDistinctRows * c.width), audit(exact.size());
  tree_shap(c.forest, c.rows.view(), exact);
  shap(c.walked, c.tables, c.rows.view(), audit, {.precision = Precision::audit});
  for (std::size_t i = 0; i < 2 && c.model.n_features <= 6; ++i) {
    const std::vector<double> sums = oracle::shapley(c.model, c.rows.row(i));
    std::ranges::copy(sums, exact.begin() + static_cast<std::ptrdiff_t>(i * c.width));
  }
  const double tolerance = 2e-6 * (1 + std::sqrt(static_cast<double>(c.model.trees.size())));
  for (std::size_t k = 0; k < exact.size(); ++k) {
    CAPTURE(k, exact[k], audit[k], c.expected[k]);
    REQUIRE(std::abs(audit[k] - exact[k]) <= 1e-9);
    REQUIRE(std::abs(static_cast<double>(c.expected[k]) - exact[k]) <= tolerance);
  }
}

void check_shape(const ForestShape& shape, std::uint64_t seed, Visits& visits) {
  const Case c(shape, seed);
  CAPTURE(shape.name, shape.n_features, seed, describe(c.model));
  check_values(c);
  for (const Kernel kernel : kernels()) {
    CAPTURE(to_string(kernel));
    for (const Forest* forest : {&c.forest, &c.walked}) {
      REQUIRE(difference(c.one_by_one(*forest, kernel), c.expected) == "");
      ++visits[kernel][path_of(*forest, c.tables, kernel, true)];
    }
    for (const std::size_t n : {1, 2, 15, 16, 17, 63, 64, 65}) {
      CAPTURE(n);
      REQUIRE(trouble_in_batch(c, n, kernel) == "");
    }
    ++visits[kernel][path_of(c.forest, c.tables, kernel, false)];
  }
}

void require_visits(const Visits& visits, const std::vector<std::string>& heaps) {
  for (const Kernel kernel : kernels())
    for (const std::string& path : heaps)
      for (const char* way : {", bits", ", keys", ", batch"}) {
        const bool can_have_bits = kernel != Kernel::scalar && path.find("walks") == path.npos;
        CAPTURE(to_string(kernel), path, way);
        if (std::string(way) == ", bits" && !can_have_bits) continue;
        REQUIRE(visits.at(kernel).contains(path + way));
      }
}

}  // namespace

TEST_CASE("attributions of trees of every depth equal the sum over coalitions, with equal bits from every kernel") {
  Visits visits;
  std::uint64_t seed = kSeed;
  for (const ForestShape& shape : depth_shapes()) check_shape(shape, ++seed, visits);
  require_visits(visits, {"shallow heaps", "full heaps", "no heaps, walks"});
}

TEST_CASE("attributions of every number of trees, the last of another shape, have equal bits and correct values") {
  Visits visits;
  std::uint64_t seed = kSeed + 1000;
  for (const ForestShape& shape : count_shapes()) check_shape(shape, ++seed, visits);
  require_visits(visits, {"shallow heaps", "full heaps", "shallow heaps, walks", "no heaps, walks"});
}

TEST_CASE("attributions of groups without splits, and of features, words and cuts around limits, are correct") {
  Visits visits;
  std::uint64_t seed = kSeed + 2000;
  for (const ForestShape& shape : width_shapes()) check_shape(shape, ++seed, visits);
  require_visits(visits, {"shallow heaps", "full heaps"});
}

TEST_CASE("attributions of batches around a pass's blocks have equal bits, on any number of threads") {
  ThreadPool pool(2);
  std::uint64_t seed = kSeed + 3000;
  for (const std::vector<TreeShape>& trees :
       {std::vector<TreeShape>{{}}, std::vector<TreeShape>{{.depth = 4}, {}}, std::vector<TreeShape>{{.depth = 6}, {}},
        std::vector<TreeShape>{{.depth = 3}, {.depth = 8, .form = Form::left}}}) {
    const Case c({"batches", 3, 1, trees}, ++seed);
    for (const Kernel kernel : kernels())
      for (const std::size_t n : {0, 255, 256, 257, 511, 512, 513}) {
        CAPTURE(seed, n, to_string(kernel));
        REQUIRE(trouble_in_batch(c, n, kernel) == "");
        REQUIRE(trouble_in_batch(c, n, kernel, &pool) == "");
      }
  }
}

TEST_CASE("trees of the maximum depth have the values of the sum over coalitions, and one level more is rejected") {
  Visits visits;
  std::uint64_t seed = kSeed + 4000;
  for (const Form form : {Form::left, Form::right})
    for (const int n_features : {1, 3}) {
      for (const int depth : {511, 512})
        check_shape({"deep", n_features, 1, {{.depth = depth, .form = form}}}, ++seed, visits);
      const PlainModel model = make_forest({"deeper", n_features, 1, {{.depth = 513, .form = form}}}, ++seed);
      CHECK(test::code_of([&] { ShapTables(load_xgboost(to_json(model), "deeper")); }) == "attribution.depth");
    }
  require_visits(visits, {"no heaps, walks"});
}

TEST_CASE("these shapes include every kind of bottom and half unit, and the maximum number of repeats on a path") {
  const auto look = [](const auto& heaps, std::set<BottomKind>& kinds, std::set<int>& halves, std::size_t& repeats) {
    for (const auto& unit : heaps.row_units) {
      kinds.insert(std::begin(unit.kind), std::end(unit.kind));
      halves.insert(std::begin(unit.half), std::end(unit.half));
    }
    for (const auto& tree : heaps.trees) repeats = std::max(repeats, tree.repeats.size());
  };
  std::set<BottomKind> kinds[2];
  std::set<int> halves[2];
  std::size_t repeats[2] = {};
  std::uint64_t seed = kSeed;
  for (const ForestShape& shape : depth_shapes()) {
    const Case c(shape, ++seed);
    look(c.tables.state().shallow, kinds[0], halves[0], repeats[0]);
    look(c.tables.state().full, kinds[1], halves[1], repeats[1]);
  }
  for (const int k : {0, 1}) {
    CHECK(kinds[k].size() == 4);
    CHECK(halves[k] == std::set<int>{0, 1, 2, 3, 4});
  }
  CHECK(repeats[0] == 14);  // all splits but the root: an index fits a byte
  CHECK(repeats[1] == 62);
}

TEST_CASE("a forest without trees gives its base margin, from every kernel") {
  PlainModel model;
  model.n_features = 2;
  model.base_score = "2E-1";
  const Forest forest = load_xgboost(to_json(model), "no trees");
  const ShapTables tables(forest);
  ShapWorkspace workspace(tables);
  const std::vector<float> expected = {0, 0, forest.base_margin[0]};
  FloatTable rows(2, 17);
  for (const Kernel kernel : kernels()) {
    std::vector<float> one(3), all(3 * 17);
    shap_row(forest, tables, rows.row(0), one, workspace, kernel);
    shap(forest, tables, rows.view(), all, {.kernel = kernel});
    CHECK(one == expected);
    for (std::size_t i = 0; i < 17; ++i) CHECK(std::ranges::equal(std::span(all).subspan(3 * i, 3), expected));
  }
}
