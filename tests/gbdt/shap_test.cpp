#include "sluice/gbdt/shap.h"

#include <bit>
#include <cmath>
#include <limits>

#include "sluice/base/error.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/saabas.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/forest_shapes.h"
#include "support/random_forest.h"
#include "support/shapley_oracle.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260301;

std::vector<double> audited(const Forest& forest, const ShapTables& tables, BatchView rows) {
  std::vector<double> phi(attribution_size(forest, rows.n_rows));
  const ShapReport report = shap(forest, tables, rows, phi, {.precision = Precision::audit});
  REQUIRE(report.precision == Precision::audit);
  return phi;
}

std::vector<float> fast(const Forest& forest, const ShapTables& tables, BatchView rows, Kernel kernel) {
  std::vector<float> phi(attribution_size(forest, rows.n_rows));
  REQUIRE(shap(forest, tables, rows, phi, {.kernel = kernel}).kernel == kernel);
  return phi;
}

/// The error of float32 sums of leaves of about 0.3: ulps of the largest partial sum, times a few for the additions.
bool is_close(double actual, double expected, double scale) {
  return std::abs(actual - expected) <= 2e-6 * (1 + scale);
}

double scale_of(const Forest& forest) { return std::sqrt(static_cast<double>(forest.n_trees())); }

std::string first_difference(std::span<const float> a, std::span<const float> b) { return difference(a, b); }

}  // namespace

TEST_CASE("audited values are the Shapley values of all coalitions") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Random random(kSeed, seed);
    const PlainModel model = random_model(random, {.max_features = 10, .max_trees = 3, .max_depth = 10});
    const FloatTable rows = random_rows(model, 3, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    const ShapTables tables(forest);
    const std::vector<double> phi = audited(forest, tables, rows.view());
    const std::size_t width = attribution_size(forest, 1);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::vector<double> expected = oracle::shapley(model, rows.row(i));
      for (std::size_t k = 0; k < width; ++k) {
        CAPTURE(seed, i, k, describe(model));
        REQUIRE(std::abs(phi[i * width + k] - expected[k]) <= 1e-9);
      }
    }
  }
}

TEST_CASE("every kernel's float32 values equal the audited ones, for heaps, deep trees and one leaf") {
  std::size_t n_heaps = 0, n_deep = 0, n_recomputed = 0, n_rows = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(kSeed + 1, seed);
    const int depths[] = {0, 2, 4, 6, 6, 9, 12};
    const PlainModel model = random_model(
        random,
        {.max_features = seed % 2 == 0 ? 4 : 40, .max_trees = 40, .max_depth = depths[seed % std::size(depths)]});
    const FloatTable rows = random_rows(model, 19, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    const ShapTables tables(forest);
    n_heaps += tables.counts().heap;
    n_deep += tables.counts().deep;
    const std::vector<double> expected = audited(forest, tables, rows.view());
    for (const Kernel kernel : kernels()) {
      std::vector<float> phi(expected.size());
      const ShapReport report = shap(forest, tables, rows.view(), phi, {.kernel = kernel});
      REQUIRE(report.kernel == kernel);
      n_recomputed += report.n_recomputed;
      n_rows += rows.n_rows();
      for (std::size_t k = 0; k < phi.size(); ++k) {
        CAPTURE(seed, k, to_string(kernel), describe(model), phi[k], expected[k]);
        REQUIRE(is_close(static_cast<double>(phi[k]), expected[k], scale_of(forest)));
      }
    }
  }
  CHECK(n_heaps > 1000);
  CHECK(n_deep > 100);
  // The comparison covers the float32 kernels themselves.
  CHECK(n_recomputed < n_rows / 20);
}

TEST_CASE("a row's bits depend on the row alone") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(kSeed + 2, seed);
    const PlainModel model = random_model(
        random, {.max_features = seed % 3 == 0 ? 3 : 20, .max_trees = 70, .max_depth = seed % 2 == 0 ? 6 : 8});
    const FloatTable rows = random_rows(model, 300, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    const ShapTables tables(forest);
    const std::size_t width = attribution_size(forest, 1);
    const std::vector<float> all = fast(forest, tables, rows.view(), kernels().back());
    ThreadPool pool(2);
    std::vector<float> shared(all.size());
    shap(forest, tables, rows.view(), shared, {.pool = &pool});
    CAPTURE(seed, describe(model));
    REQUIRE(first_difference(shared, all) == "");
    ShapWorkspace workspace(tables);
    for (const Kernel kernel : kernels()) {
      CAPTURE(to_string(kernel));
      for (const std::size_t first : {0, 5}) {
        const std::vector<float> some = fast(forest, tables, rows.view().slice(first, 21), kernel);
        REQUIRE(first_difference(some, std::span(all).subspan(first * width, some.size())) == "");
      }
      std::vector<float> one(width);
      for (std::size_t i = 0; i < 8; ++i) {
        REQUIRE(shap_row(forest, tables, rows.row(i), one, workspace, kernel).kernel == kernel);
        REQUIRE(first_difference(one, std::span(all).subspan(i * width, width)) == "");
      }
    }
  }
}

TEST_CASE("one row allocates nothing") {
  Random random(kSeed + 3);
  PlainModel model = random_model(random, {.max_features = 20, .max_trees = 40, .max_depth = 6, .with_groups = false});
  const FloatTable rows = random_rows(model, 50, random);
  const Forest forest = load_xgboost(to_json(model), "random");
  const ShapTables tables(forest);
  ShapWorkspace workspace(tables);
  std::vector<float> phi(attribution_size(forest, 1));
  for (const Kernel kernel : kernels())
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::size_t before = n_allocations();
      const ShapReport report = shap_row(forest, tables, rows.row(i), phi, workspace, kernel);
      const std::size_t after = n_allocations();
      if (report.n_recomputed == 0) REQUIRE(after == before);
    }
}

TEST_CASE("a row that float32 cannot add up is computed again in double") {
  // Two leaves of a billion that cancel, and one of a millionth.
  PlainModel model;
  model.n_features = 3;
  const auto stump = [](int feature, float left, float right) {
    PlainTree tree;
    tree.nodes = {
        {1, 2, feature, 0.0f, false, {}, 10}, {-1, -1, 0, left, false, {}, 3}, {-1, -1, 0, right, false, {}, 7}};
    return tree;
  };
  model.trees = {stump(0, 1e9f, -1e9f), stump(1, 0.25f, 1.0f / 3), stump(0, -1e9f, 1e9f), stump(2, 1.0f, 2.0f)};
  const Forest forest = load_xgboost(to_json(model), "big");
  const ShapTables tables(forest);
  const std::vector<float> row = {1, 1, 1};
  std::vector<float> phi(4);
  const ShapReport report = shap(forest, tables, BatchView(row), phi);
  CHECK(report.n_recomputed == 1);
  CHECK(phi[0] == 0.0f);
  CHECK(phi[1] == Approx(0.3 * (1.0 / 3 - 0.25)));
  CHECK(phi[2] == Approx(0.3));
}

TEST_CASE("values that double cannot add up are an error with row, sum and margin") {
  PlainModel model;
  model.n_features = 1;
  model.trees.resize(2);
  const float infinity = std::numeric_limits<float>::max();
  for (PlainTree& tree : model.trees)
    tree.nodes = {{1, 2, 0, 0.0f, false, {}, 10}, {-1, -1, 0, 1.0f, false, {}, 5}, {-1, -1, 0, infinity, false, {}, 5}};
  const Forest forest = load_xgboost(to_json(model), "big");
  const ShapTables tables(forest);
  const std::vector<float> cells = {-1, 1};  // the second row's margin is infinite in float32
  std::vector<float> phi(4);
  try {
    shap(forest, tables, BatchView(cells.data(), 2, 1), phi);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == "attribution.additivity");
    CHECK(error.message().find("row 1, output 0") != std::string::npos);
  }
}

TEST_CASE("interactions are symmetric, add up to the Shapley values, and equal the sum over all coalitions") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(kSeed + 4, seed);
    const PlainModel model = random_model(random, {.max_features = 7, .max_trees = 3, .max_depth = 8});
    const FloatTable rows = random_rows(model, 2, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    const ShapTables tables(forest);
    const std::size_t n = forest.n_features, width = n + 1;
    std::vector<double> out(rows.n_rows() * forest.n_groups * width * width);
    shap_interactions(forest, tables, rows.view(), out);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::vector<double> phi = oracle::shapley(model, rows.row(i));
      const std::vector<double> pairs = oracle::shapley_interactions(model, rows.row(i));
      for (std::size_t g = 0; g < forest.n_groups; ++g) {
        const double* matrix = out.data() + (i * forest.n_groups + g) * width * width;
        for (std::size_t a = 0; a < width; ++a) {
          double sum = 0;
          for (std::size_t b = 0; b < width; ++b) {
            CAPTURE(seed, i, g, a, b, describe(model));
            sum += matrix[a * width + b];
            REQUIRE(std::abs(matrix[a * width + b] - matrix[b * width + a]) <= 1e-9);
            if (a < n && b < n && a != b) REQUIRE(std::abs(matrix[a * width + b] - pairs[(g * n + a) * n + b]) <= 1e-9);
          }
          REQUIRE(std::abs(sum - phi[g * width + a]) <= 1e-9);
        }
      }
    }
  }
}

TEST_CASE("Saabas's values add up to the margin and follow the path") {
  Random random(kSeed + 5);
  const PlainModel model = random_model(random, {.max_features = 12, .max_trees = 20, .max_depth = 8});
  const FloatTable rows = random_rows(model, 40, random);
  const Forest forest = load_xgboost(to_json(model), "random");
  std::vector<double> phi(attribution_size(forest, rows.n_rows()));
  std::vector<float> margins(output_size(forest, rows.n_rows()));
  saabas(forest, rows.view(), phi);
  predict(forest, rows.view(), margins);
  const std::size_t width = forest.n_features + 1;
  for (std::size_t k = 0; k < margins.size(); ++k) {
    double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += phi[k * width + c];
    REQUIRE(std::abs(sum - static_cast<double>(margins[k])) <= 1e-5);
  }
}

TEST_CASE("attribution tables of another forest, other shapes and too deep trees are rejected") {
  Random random(kSeed + 6);
  const Forest forest = load_xgboost(to_json(random_model(random)), "one");
  const Forest other = load_xgboost(to_json(random_model(random)), "other");
  const ShapTables tables(forest);
  const std::vector<float> row(forest.n_features);
  std::vector<float> phi(attribution_size(forest, 1));
  CHECK_THROWS_AS(shap(other, tables, BatchView(std::span(row)), phi), Error);
  CHECK_THROWS_AS(shap(forest, tables, BatchView(std::span(row)), std::span(phi).first(phi.size() - 1)), Error);
  CHECK_THROWS_AS(shap(forest, tables, BatchView(row.data(), 1, row.size() + 1), phi), Error);

  PlainModel chain;  // every split has one leaf
  chain.trees.resize(1);
  auto& nodes = chain.trees[0].nodes;
  nodes.resize(1);
  for (int depth = 0; depth < 600; ++depth) {
    const int left = static_cast<int>(nodes.size()), at = depth == 0 ? 0 : left - 1;
    nodes[static_cast<std::size_t>(at)] = {left, left + 1, 0, static_cast<float>(depth), false, {}, 1};
    nodes.push_back({-1, -1, 0, 0.5f, false, {}, 0.5f});
    nodes.push_back({-1, -1, 0, 0.25f, false, {}, 0.5f});
  }
  CHECK_THROWS_AS(ShapTables(load_xgboost(to_json(chain), "chain")), Error);
}

TEST_CASE("a workspace of smaller tables, and tables of a forest with other categories, are rejected") {
  const auto load = [](const ForestShape& shape) { return load_xgboost(to_json(make_forest(shape, kSeed)), "shape"); };
  std::vector<Forest> ascending;
  for (const ForestShape& shape :
       {ForestShape{"", 3, 1, {{.depth = 4}}}, ForestShape{"", 3, 1, std::vector<TreeShape>(17, {.depth = 4})},
        ForestShape{"", 3, 2, {{.depth = 6}, {.depth = 7, .group = 1}}}})
    ascending.push_back(load(shape));
  const std::vector<float> row = {0.5f, -0.5f, 1.0f};
  for (std::size_t large = 0; large < ascending.size(); ++large)
    for (std::size_t small = 0; small <= large; ++small) {
      const ShapTables tables(ascending[large]);
      ShapWorkspace workspace{ShapTables(ascending[small])};
      std::vector<float> phi(attribution_size(ascending[large], 1));
      CAPTURE(large, small);
      CHECK(code_of([&] { shap_row(ascending[large], tables, row, phi, workspace); }) ==
            (small < large ? "shape.workspace" : ""));
    }
  // As many nodes of as many trees, but sets that the other forest does not have.
  const Forest words = load({"", 3, 1, {{.depth = 6, .n_categories = 20}}}), numbers = load({"", 3, 1, {{.depth = 6}}});
  std::vector<float> phi(attribution_size(numbers, 1));
  CHECK(code_of([&] { shap(numbers, ShapTables(words), BatchView(row), phi); }) == "shape.tables");
}
