#include "sluice/gbdt/tree_shap.h"

#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260202;

std::vector<double> attributions(const Forest& forest, BatchView rows) {
  std::vector<double> phi(attribution_size(forest, rows.n_rows));
  tree_shap(forest, rows, phi);
  return phi;
}

}  // namespace

TEST_CASE("attributions equal the Shapley values over all coalitions") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Random random(kSeed, seed);
    const PlainModel model = random_model(random, {.max_features = 10, .max_trees = 3, .max_depth = 6});
    const FloatTable rows = random_rows(model, 3, random);
    const std::vector<double> phi = attributions(load_xgboost(to_json(model), "random"), rows.view());
    const std::size_t width = phi.size() / rows.n_rows();
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::vector<double> expected = oracle::shapley(model, rows.row(i));
      REQUIRE(expected.size() == width);
      for (std::size_t k = 0; k < width; ++k) {
        CAPTURE(seed, i, k, describe(model));
        REQUIRE(std::abs(phi[i * width + k] - expected[k]) <= 1e-9);
      }
    }
  }
}

TEST_CASE("attributions of a manually computed tree") {
  // x0 < 0 (cover 10) ? leaf 1 (cover 4) : [ x1 < 0 (cover 6) ? leaf 3 (cover 2) : leaf 5 (cover 4) ]
  PlainModel model;
  model.n_features = 2;
  model.trees = {{0,
                  {{1, 2, 0, 0.0f, false, {}, 10},
                   {-1, -1, 0, 1.0f, false, {}, 4},
                   {3, 4, 1, 0.0f, false, {}, 6},
                   {-1, -1, 0, 3.0f, false, {}, 2},
                   {-1, -1, 0, 5.0f, false, {}, 4}}}};
  const std::vector<float> row = {1, 1};  // reaches leaf 5
  const std::vector<double> phi = attributions(load_xgboost(to_json(model), "hand"), BatchView(row));
  // v{} = 0.4*1 + 0.6*(3*2/6 + 5*4/6) = 3;  v{0} = 13/3;  v{1} = 0.4*1 + 0.6*5 = 3.4;  v{0,1} = 5
  CHECK(phi[0] == Approx((4.0 / 3 + 1.6) / 2));
  CHECK(phi[1] == Approx((0.4 + 2.0 / 3) / 2));
  CHECK(phi[2] == Approx(3.0));
}

TEST_CASE("attributions and bias add up to the margin") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(kSeed + 1, seed);
    const PlainModel model = random_model(random, {.max_features = 30, .max_trees = 40, .max_depth = 9});
    const FloatTable rows = random_rows(model, 10, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    std::vector<float> margins(output_size(forest, rows.n_rows()));
    predict(forest, rows.view(), margins);
    const std::vector<double> phi = attributions(forest, rows.view());
    const std::size_t width = forest.n_features + 1;
    for (std::size_t k = 0; k < margins.size(); ++k) {
      double sum = 0;
      for (std::size_t c = 0; c < width; ++c) sum += phi[k * width + c];
      CAPTURE(seed, k, describe(model));
      REQUIRE(std::abs(sum - static_cast<double>(margins[k])) <= 1e-5);
    }
  }
}

TEST_CASE("attributions of a forest without cover halve at every split") {
  Random random(kSeed, 9);
  PlainModel model = random_model(random, {.max_features = 6, .max_trees = 4, .max_depth = 5});
  for (auto& tree : model.trees)
    for (auto& node : tree.nodes) node.cover = 0;
  const FloatTable rows = random_rows(model, 1, random);
  const std::vector<double> phi = attributions(load_xgboost(to_json(model), "random"), rows.view());
  const std::vector<double> expected = oracle::shapley(model, rows.row(0));
  for (std::size_t k = 0; k < phi.size(); ++k) CHECK(std::abs(phi[k] - expected[k]) <= 1e-9);
}

TEST_CASE("attributions of mismatched shapes are rejected") {
  Random random(kSeed, 3);
  const PlainModel model = random_model(random);
  const Forest forest = load_xgboost(to_json(model), "random");
  const std::vector<float> row(forest.n_features + 1);
  std::vector<double> phi(attribution_size(forest, 1));
  CHECK_THROWS_AS(tree_shap(forest, BatchView(std::span(row)), phi), Error);
  CHECK_THROWS_AS(tree_shap(forest, BatchView(row.data(), 1, forest.n_features), std::span(phi).first(phi.size() - 1)),
                  Error);
}
