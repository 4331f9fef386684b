#include "sluice/gbdt/interventional.h"

#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/random_forest.h"
#include "support/shapley_oracle.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260302;

std::vector<double> values(const Forest& forest, const InterventionalTables& tables, BatchView rows) {
  std::vector<double> phi(attribution_size(forest, rows.n_rows));
  interventional_shap(forest, tables, rows, phi);
  return phi;
}

struct Case {
  PlainModel model;
  Forest forest;
  FloatTable rows, background;
  std::vector<float> weights;

  Case(std::uint64_t seed, const ModelShape& shape, std::size_t n_background) {
    Random random(kSeed, seed);
    model = random_model(random, shape);
    forest = load_xgboost(to_json(model), "random");
    rows = random_rows(model, 3, random);
    background = random_rows(model, n_background, random);
    for (std::size_t i = 0; i < n_background; ++i) weights.push_back(static_cast<float>(random.uniform(0, 2)));
  }
};

}  // namespace

TEST_CASE("interventional values equal the sum over all coalitions, from tables and from pairs") {
  std::size_t n_tables = 0, n_pairs = 0;
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    const int depths[] = {2, 4, 6, 6, 9};
    const Case at(seed, {.max_features = seed % 3 == 0 ? 3 : 9, .max_trees = 3, .max_depth = depths[seed % 5]}, 5);
    const InterventionalTables tables(at.forest, at.background.view(), at.weights, Precision::audit);
    n_tables += tables.counts().tables;
    n_pairs += tables.counts().pairs;
    const std::vector<double> phi = values(at.forest, tables, at.rows.view());
    const std::size_t width = attribution_size(at.forest, 1);
    for (std::size_t i = 0; i < at.rows.n_rows(); ++i) {
      const auto expected = oracle::interventional_shapley(at.model, at.rows.row(i), at.background.view(), at.weights);
      for (std::size_t k = 0; k < width; ++k) {
        CAPTURE(seed, i, k, describe(at.model));
        REQUIRE(std::abs(phi[i * width + k] - expected[k]) <= 1e-9);
      }
    }
  }
  CHECK(n_tables > 50);
  CHECK(n_pairs > 5);
}

TEST_CASE("float32 tables give the audited values, with the same bits for any batch and number of threads") {
  for (std::uint64_t seed = 100; seed < 112; ++seed) {
    const Case at(seed, {.max_features = 30, .max_trees = 30, .max_depth = seed % 2 == 0 ? 6 : 8}, 40);
    Random random(kSeed, seed);
    const FloatTable rows = random_rows(at.model, 150, random);
    const InterventionalTables single(at.forest, at.background.view(), at.weights);
    const InterventionalTables audit(at.forest, at.background.view(), at.weights, Precision::audit);
    const std::vector<double> expected = values(at.forest, audit, rows.view());
    std::vector<double> phi(expected.size()), shared(expected.size());
    const InterventionalReport report = interventional_shap(at.forest, single, rows.view(), phi);
    CHECK(report.n_recomputed < 5);
    for (std::size_t k = 0; k < phi.size(); ++k) REQUIRE(std::abs(phi[k] - expected[k]) <= 1e-5);
    ThreadPool pool(2);
    interventional_shap(at.forest, single, rows.view(), shared, &pool);
    REQUIRE(shared == phi);
    const std::size_t width = attribution_size(at.forest, 1);
    for (const std::size_t i : {0, 1, 149}) {
      const std::vector<double> one = values(at.forest, single, rows.view().slice(i, 1));
      REQUIRE(std::equal(one.begin(), one.end(), phi.begin() + static_cast<std::ptrdiff_t>(i * width)));
    }
  }
}

TEST_CASE("a weight of two equals two copies of a background row") {
  const Case at(7, {.max_features = 8, .max_trees = 10, .max_depth = 6}, 3);
  FloatTable twice = at.background;
  twice.append(at.background.row(1));
  const InterventionalTables weighted(at.forest, at.background.view(), std::vector<float>{1, 2, 1}, Precision::audit);
  const InterventionalTables repeated(at.forest, twice.view(), {}, Precision::audit);
  const std::vector<double> a = values(at.forest, weighted, at.rows.view()),
                            b = values(at.forest, repeated, at.rows.view());
  for (std::size_t k = 0; k < a.size(); ++k) CHECK(std::abs(a[k] - b[k]) <= 1e-12);
}

TEST_CASE("a row against itself has zero attributions") {
  const Case at(8, {.max_features = 12, .max_trees = 20, .max_depth = 8}, 1);
  const InterventionalTables tables(at.forest, at.rows.view().slice(0, 1), {}, Precision::audit);
  const std::vector<double> phi = values(at.forest, tables, at.rows.view().slice(0, 1));
  const std::size_t width = at.forest.n_features + 1;
  for (std::size_t k = 0; k < phi.size(); ++k)
    if (k % width != at.forest.n_features) CHECK(phi[k] == 0.0);
}

TEST_CASE("an invalid background is rejected") {
  const Case at(9, {.max_features = 5, .max_trees = 3, .max_depth = 4}, 2);
  const BatchView rows = at.background.view();
  CHECK_THROWS_AS(InterventionalTables(at.forest, rows.slice(0, 0)), Error);
  CHECK_THROWS_AS(InterventionalTables(at.forest, rows, std::vector<float>{1}), Error);
  CHECK_THROWS_AS(InterventionalTables(at.forest, rows, std::vector<float>{0, 0}), Error);
  CHECK_THROWS_AS(InterventionalTables(at.forest, rows, std::vector<float>{1, -1}), Error);
  CHECK_THROWS_AS(InterventionalTables(at.forest, rows, std::vector<float>{1, NAN}), Error);
}
