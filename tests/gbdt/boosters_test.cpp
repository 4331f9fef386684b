#include "sluice/base/number.h"
#include "sluice/gbdt/iterations.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/linear.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/train/booster.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260606;

std::vector<float> margins(const Forest& forest, BatchView rows, TreeRange trees = {}) {
  std::vector<float> out(output_size(forest, rows.n_rows));
  predict(forest, rows, out, {.trees = trees});
  return out;
}

struct LinearModel {
  std::size_t n_features, n_groups;
  std::string json;
};

LinearModel random_linear(Random& random) {
  LinearModel model{1 + random.below(9), random.uniform() < 0.5 ? 1 : 2 + random.below(3), {}};
  std::string weights;
  for (std::size_t i = 0; i < (model.n_features + 1) * model.n_groups; ++i)
    weights += (i > 0 ? "," : "") + std::to_string(random.normal());
  const std::string n_groups = std::to_string(model.n_groups);
  const std::string objective =
      model.n_groups > 1 ? R"({"name":"multi:softprob","softmax_multiclass_param":{"num_class":")" + n_groups + "\"}}"
                         : R"({"name":"reg:squarederror","reg_loss_param":{"scale_pos_weight":"1"}})";
  model.json =
      R"({"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{"weights":[)" +
      weights + R"(]},"name":"gblinear"},"learner_model_param":{"base_score":")" +
      number_text(static_cast<float>(random.uniform())) + R"(","boost_from_average":"1","num_class":")" +
      (model.n_groups > 1 ? n_groups : "0") + R"(","num_feature":")" + std::to_string(model.n_features) +
      R"(","num_target":"1"},"objective":)" + objective + R"(},"version":[1,7,4]})";
  return model;
}

}  // namespace

TEST_CASE("every objective and tree booster gives libxgboost's bits") {
  std::size_t n_dart = 0, n_parallel = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Random random(kSeed, seed);
    const PlainModel model =
        random_model(random, {.max_trees = 12, .max_depth = 6, .with_empty_branches = false, .with_boosters = true});
    const FloatTable rows = random_rows(model, 70, random, false);
    CAPTURE(seed, describe(model), model.weights.size(), model.n_parallel_trees);
    const std::string json = to_json(model);
    const Forest forest = load_xgboost(json, "model");
    const ReferenceBooster reference(json);
    const std::vector<float> actual = margins(forest, rows.view());
    REQUIRE(difference(actual, reference.matrix_margins(rows.view())) == "");
    REQUIRE(difference(actual, oracle::margins(model, rows.view())) == "");
    // Libxgboost's other method has other bits for DART.
    if (model.weights.empty()) {
      std::vector<float> predictions = actual;
      apply_link(forest, predictions);
      REQUIRE(difference(predictions, reference.predictions(rows.view())) == "");
      if (n_iterations(forest) > 1)
        REQUIRE(difference(margins(forest, rows.view(), iterations(forest, 0, 1)), reference.margins(rows.view(), 1)) ==
                "");
    }
    n_dart += !model.weights.empty();
    n_parallel += model.n_parallel_trees > 1;
  }
  CHECK(n_dart > 150);
  CHECK(n_parallel > 100);
}

TEST_CASE("gblinear gives libxgboost's bits and contributions") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(kSeed + 1, seed);
    const LinearModel model = random_linear(random);
    FloatTable rows(model.n_features, 20);
    for (std::size_t i = 0; i < 20; ++i)
      for (float& cell : rows.row(i))
        cell = random.uniform() < 0.2 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(random.normal());
    CAPTURE(seed, model.json);
    const Forest forest = load_xgboost(model.json, "model");
    const ReferenceBooster reference(model.json);
    std::vector<float> actual(20 * model.n_groups);
    predict_linear(forest, rows.view(), actual);
    REQUIRE(difference(actual, reference.matrix_margins(rows.view())) == "");

    std::vector<double> phi(20 * model.n_groups * (model.n_features + 1));
    linear_contribs(forest, rows.view(), phi);
    const std::vector<float> expected = reference.contribs(rows.view());
    REQUIRE(expected.size() == phi.size());
    for (std::size_t k = 0; k < phi.size(); ++k)
      REQUIRE(static_cast<double>(expected[k]) == Approx(phi[k]).epsilon(1e-6).margin(1e-7));
  }
}
