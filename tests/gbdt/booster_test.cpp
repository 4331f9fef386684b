#include "sluice/gbdt/train/booster.h"

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

struct Data {
  FloatTable rows;
  std::vector<float> labels;
  TrainData view() const { return {rows.view(), labels, {}, {}, {}}; }
};

/// The label is the first column's sign with noise.
Data make_data(std::size_t n_rows, std::uint64_t seed) {
  Random random(seed);
  Data data{FloatTable(3, n_rows), {}};
  for (std::size_t i = 0; i < n_rows; ++i) {
    for (float& x : data.rows.row(i)) x = static_cast<float>(random.normal());
    data.labels.push_back(data.rows.row(i)[0] + random.normal() * 0.5 > 0 ? 1.0f : 0.0f);
  }
  return data;
}

Error error_of(const TrainData& data, const TrainOptions& options = {}, const TrainData* valid = nullptr) {
  try {
    train(data, valid, options);
  } catch (const Error& error) {
    return error;
  }
  return Error("none", "no error");
}

std::vector<float> margins(const Forest& forest, BatchView rows) {
  std::vector<float> out(output_size(forest, rows.n_rows));
  predict(forest, rows, out);
  return out;
}

}  // namespace

TEST_CASE("early stopping keeps exactly the rounds up to the best one") {
  const Data data = make_data(400, 1), valid = make_data(200, 2);
  const TrainData valid_view = valid.view();
  TrainOptions options{.n_rounds = 200, .early_stopping_rounds = 5};
  const TrainedForest stopped = train(data.view(), &valid_view, options);
  REQUIRE(stopped.best_iteration < 195);
  const Forest forest = load_xgboost(stopped.json, "stopped");
  CHECK(forest.n_trees() == stopped.best_iteration + 1);
  CHECK(forest.best_iteration == stopped.best_iteration);

  options = {.n_rounds = stopped.best_iteration + 1};
  const Forest same = load_xgboost(train(data.view(), nullptr, options).json, "same");
  CHECK(difference(margins(forest, valid.rows.view()), margins(same, valid.rows.view())) == "");

  // best_metric is the log-loss of the returned model
  double loss = 0;
  std::vector<float> p = margins(forest, valid.rows.view());
  apply_link(forest, p);
  for (std::size_t i = 0; i < p.size(); ++i)
    loss -= std::log(static_cast<double>(valid.labels[i] > 0 ? p[i] : 1 - p[i]));
  CHECK(stopped.best_metric == Approx(loss / static_cast<double>(p.size())).epsilon(1e-5));
}

TEST_CASE("a metric that rises is maximised") {
  const Data data = make_data(400, 1), valid = make_data(200, 2);
  const TrainData valid_view = valid.view();
  const TrainedForest forest =
      train(data.view(), &valid_view, {.eval_metric = "auc", .n_rounds = 100, .early_stopping_rounds = 5});
  CHECK(forest.best_metric > 0.85);
}

TEST_CASE("the same data, options and seed give the same bytes, and another seed gives other bytes") {
  const Data data = make_data(300, 3);
  TrainOptions options{.n_rounds = 10, .subsample = 0.7, .colsample_bytree = 0.7, .seed = 5};
  const std::string first = train(data.view(), nullptr, options).json;
  CHECK(train(data.view(), nullptr, options).json == first);
  options.seed = 6;
  CHECK(train(data.view(), nullptr, options).json != first);
}

TEST_CASE("names and types are stored in the model") {
  Data data = make_data(100, 3);
  for (std::size_t i = 0; i < 100; ++i) data.rows.row(i)[2] = static_cast<float>(i % 4);
  TrainData view = data.view();
  view.names = {"income", "age", "purpose"};
  view.is_category = {false, false, true};
  const Forest forest = load_xgboost(train(view, nullptr, {.n_rounds = 3}).json, "m");
  CHECK(forest.feature_names == view.names);
  CHECK(forest.feature_types == std::vector<std::string>{"q", "q", "c"});
}

TEST_CASE("monotone signs are kept") {
  const Data data = make_data(500, 4);
  const Forest forest = load_xgboost(train(data.view(), nullptr, {.n_rounds = 30, .monotone = {1, -1, 0}}).json, "m");
  for (const std::size_t column : {0, 1}) {
    FloatTable line(3, 200);
    for (std::size_t i = 0; i < 200; ++i) line.row(i)[column] = static_cast<float>(i) * 0.03f - 3;
    const std::vector<float> z = margins(forest, line.view());
    for (std::size_t i = 1; i < z.size(); ++i) REQUIRE((column == 0 ? z[i] >= z[i - 1] : z[i] <= z[i - 1]));
  }
}

TEST_CASE("constant and all-missing columns train") {
  Data data = make_data(200, 5);
  for (std::size_t i = 0; i < 200; ++i) {
    data.rows.row(i)[1] = 7;
    data.rows.row(i)[2] = std::numeric_limits<float>::quiet_NaN();
  }
  for (const Node& node : load_xgboost(train(data.view(), nullptr, {.n_rounds = 5}).json, "m").nodes)
    CHECK(node.feature == 0);
}

TEST_CASE("invalid training data is rejected with its place") {
  const Data good = make_data(50, 6);
  {
    Data bad = good;
    bad.rows.row(17)[2] = -std::numeric_limits<float>::infinity();
    TrainData view = bad.view();
    view.names = {"a", "b", "income"};
    const Error error = error_of(view);
    CHECK(error.code() == "booster.infinite");
    CHECK(error.message() == "training data, row 17, feature \"income\": the value is infinite");
    const TrainData good_view = good.view();
    CHECK(error_of(good_view, {}, &view).message().starts_with("validation data, row 17"));
  }
  for (const float odd : {-1.0f, 0.5f, 16777216.0f}) {
    Data bad = good;
    for (std::size_t i = 0; i < 50; ++i) bad.rows.row(i)[1] = i == 9 ? odd : 2.0f;
    TrainData view = bad.view();
    view.is_category = {false, true, false};
    CHECK(error_of(view).code() == "booster.category");
    CHECK(error_of(view).message().find("row 9, feature 1") != std::string::npos);
  }
  for (const float odd : {2.0f, 0.5f, std::numeric_limits<float>::quiet_NaN()}) {
    Data bad = good;
    bad.labels[3] = odd;
    CHECK(error_of(bad.view()).code() == "booster.label");
  }
  Data one = good;
  one.labels.assign(50, 1.0f);
  CHECK(error_of(one.view()).code() == "booster.one_class");

  TrainData view = good.view();
  const std::vector<float> weights(50, -1.0f);
  view.weights = weights;
  CHECK(error_of(view).code() == "booster.weight");
  view = good.view();
  view.labels = view.labels.first(49);
  CHECK(error_of(view).code() == "booster.shape");
  view = good.view();
  view.rows.n_rows = 0;
  view.labels = {};
  CHECK(error_of(view).code() == "booster.shape");
}

TEST_CASE("options out of range are rejected") {
  const Data data = make_data(50, 6);
  CHECK(error_of(data.view(), {.n_rounds = 0}).code() == "booster.options");
  CHECK(error_of(data.view(), {.max_depth = -1}).code() == "booster.options");
  CHECK(error_of(data.view(), {.eta = std::nan("")}).code() == "booster.options");
  CHECK(error_of(data.view(), {.subsample = 0}).code() == "booster.options");
  CHECK(error_of(data.view(), {.monotone = {1}}).code() == "booster.options");
  CHECK(error_of(data.view(), {.monotone = {1, 0, 2}}).code() == "booster.options");
  CHECK(error_of(data.view(), {.objective = "binary:nonsense"}).code() == "booster.xgboost");
}

TEST_CASE("training stops on request") {
  const Data data = make_data(100, 7);
  const Progress stop_at_3 = [](std::string_view, std::uint64_t done, std::uint64_t) { return done < 3; };
  try {
    train(data.view(), nullptr, {}, stop_at_3);
    FAIL("training continued");
  } catch (const Error& error) {
    CHECK(error.code() == "interrupted");
  }
}

TEST_CASE("a model that libxgboost rejects is an error") { CHECK_THROWS_AS(ReferenceBooster("{}"), Error); }
