#include <algorithm>
#include <array>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/train/booster.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260404;

/// Data with missing cells, a constant column, an all-missing one and categories.
struct Training {
  FloatTable rows;
  std::vector<float> labels, weights;
  std::vector<bool> is_category;
  TrainOptions options;

  TrainData data() const { return {rows.view(), labels, weights, is_category, {}}; }
};

float training_cell(std::size_t column, bool is_category, Random& random) {
  if (column == 3) return 1.5f;
  if (column == 4 || random.uniform() < 0.1) return std::numeric_limits<float>::quiet_NaN();
  if (is_category) return static_cast<float>(random.below(column % 2 == 0 ? 3 : 40));
  return static_cast<float>(column % 2 == 0 ? random.normal() : std::floor(random.uniform(-5, 5)));
}

void choose_options(Training& training, Random& random) {
  constexpr std::array kObjectives = {"binary:logistic", "reg:squarederror", "count:poisson",
                                      "reg:gamma",       "binary:logitraw",  "multi:softprob"};
  TrainOptions& options = training.options;
  options.objective = kObjectives[random.below(kObjectives.size())];
  options.eval_metric = options.objective == "multi:softprob" ? "mlogloss" : "rmse";
  if (options.objective == "multi:softprob") options.n_classes = 3;
  options.n_rounds = 1 + random.below(12);
  options.max_depth = 1 + static_cast<int>(random.below(9));
  options.eta = random.uniform(0.05, 1);
  options.subsample = random.uniform(0.5, 1);
  options.min_child_weight = random.uniform(0, 2);
  options.gamma = random.uniform() < 0.3 ? 0.5 : 0;  // prunes: node numbers with gaps
  options.seed = random.next();
  if (random.uniform() < 0.5) options.base_score = random.uniform(0.05, 0.95);
  if (random.uniform() < 0.2) options.extra = {{"num_parallel_tree", "3"}};
  if (random.uniform() < 0.2) options.extra = {{"grow_policy", "lossguide"}, {"max_leaves", "25"}, {"max_depth", "0"}};
}

float label_of(const TrainOptions& options, std::size_t row, double signal) {
  if (options.objective.starts_with("binary:")) return row == 0 || (row > 1 && signal > 0) ? 1.0f : 0.0f;
  return options.n_classes > 0 ? static_cast<float>(row % options.n_classes) : static_cast<float>(std::exp(signal));
}

Training random_training(std::uint64_t stream) {
  Random random(kSeed, stream);
  const std::size_t n_rows = 50 + random.below(300), n_columns = 1 + random.below(12);
  Training training{FloatTable(n_columns, n_rows), std::vector<float>(n_rows), {}, std::vector<bool>(n_columns), {}};
  choose_options(training, random);
  const bool with_categories = random.uniform() < 0.5;
  for (std::size_t c = 0; c < n_columns; ++c) training.is_category[c] = with_categories && c % 3 == 2;
  for (std::size_t i = 0; i < n_rows; ++i) {
    for (std::size_t c = 0; c < n_columns; ++c)
      training.rows.row(i)[c] = training_cell(c, training.is_category[c], random);
    const float x = training.rows.row(i)[0];
    const double signal = (std::isnan(x) ? 0.3 : std::sin(2 * static_cast<double>(x))) + random.normal();
    training.labels[i] = label_of(training.options, i, signal);
  }
  if (random.uniform() < 0.3)
    for (std::size_t i = 0; i < n_rows; ++i) training.weights.push_back(static_cast<float>(random.uniform(0.1, 3)));
  return training;
}

std::vector<float> margins(const Forest& forest, BatchView rows) {
  std::vector<float> out(output_size(forest, rows.n_rows));
  predict(forest, rows, out);
  return out;
}

/// Margins, also with infinities; leaves and attributions, which libxgboost computes only for finite rows.
void require_parity(const std::string& json, BatchView any_rows, BatchView finite_rows) {
  const Forest forest = load_xgboost(json, "model");
  const ReferenceBooster reference(json);
  REQUIRE(difference(margins(forest, any_rows), reference.margins(any_rows)) == "");

  std::vector<float> predictions = margins(forest, any_rows);
  apply_link(forest, predictions);
  REQUIRE(difference(predictions, reference.predictions(any_rows)) == "");

  std::vector<std::int32_t> leaves(finite_rows.n_rows * forest.n_trees());
  leaf_ids(forest, finite_rows, leaves);
  REQUIRE(leaves == reference.leaves(finite_rows));

  std::vector<double> phi(attribution_size(forest, finite_rows.n_rows));
  tree_shap(forest, finite_rows, phi);
  const std::vector<float> contribs = reference.contribs(finite_rows);
  REQUIRE(contribs.size() == phi.size());
  for (std::size_t k = 0; k < phi.size(); ++k) {
    const bool is_near = std::abs(phi[k] - static_cast<double>(contribs[k])) <= 1e-5;  // false for NaN
    if (!is_near) FAIL("attribution " << k << " is " << phi[k] << ", not " << contribs[k]);
  }
}

}  // namespace

/// Every NaN counts as equal: when two are added, the processor keeps the first one's sign and payload.
std::vector<float> with_one_nan(std::vector<float> margins) {
  for (float& margin : margins)
    if (std::isnan(margin)) margin = std::numeric_limits<float>::quiet_NaN();
  return margins;
}

/// Models as left by diverged training and in manually edited files.
void make_odd(PlainModel& model, Random& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity};
  for (PlainTree& tree : model.trees)
    for (PlainNode& node : tree.nodes) {
      const bool is_leaf = node.left < 0;
      if (node.categories.empty() && random.uniform() < (is_leaf ? 0.01 : 0.2)) node.value = kOdd[random.below(3)];
    }
  model.n_parallel_trees = 1 + static_cast<int>(random.below(50));
  if (model.n_groups == 1 && random.uniform() < 0.2) {
    model.objective = "count:poisson";
    model.base_score = random.uniform() < 0.5 ? "0E0" : "-1E0";
  }
}

TEST_CASE("leaves and thresholds that are not finite, and margins of log 0, give libxgboost's bits from every kernel") {
  std::size_t n_not_finite = 0;
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    Random random(kSeed + 2, seed);
    PlainModel model = random_model(random, {.with_empty_branches = false});
    make_odd(model, random);
    const FloatTable rows = random_rows(model, 100, random);
    CAPTURE(seed, describe(model));
    const Forest forest = load_xgboost(to_json(model), "model");
    const std::vector<float> expected = with_one_nan(ReferenceBooster(to_json(model)).margins(rows.view()));
    std::vector<float> actual(expected.size());
    for (const Kernel kernel : kernels()) {
      try {
        predict(forest, rows.view(), actual, {.kernel = kernel});
      } catch (const Error& error) {
        REQUIRE(error.code() == "kernel.forest");
        continue;
      }
      CAPTURE(to_string(kernel));
      REQUIRE(difference(with_one_nan(actual), expected) == "");
    }
    n_not_finite += static_cast<std::size_t>(
        std::count_if(expected.begin(), expected.end(), [](float margin) { return !std::isfinite(margin); }));
  }
  CHECK(n_not_finite > 1000);
}

TEST_CASE("synthetic models give libxgboost's bits") {
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    Random random(kSeed + 1, seed);
    const PlainModel model = random_model(random, {.with_empty_branches = false});  // XGBoost 1.7 gives NaN for them
    const FloatTable any = random_rows(model, 100, random), finite = random_rows(model, 20, random, false);
    CAPTURE(seed, describe(model));
    require_parity(to_json(model), any.view(), finite.view());
  }
}

TEST_CASE("trained models give libxgboost's bits") {
  std::size_t n_with_categories = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const Training training = random_training(seed);
    CAPTURE(seed, training.options.objective, training.options.n_rounds, training.options.max_depth,
            training.rows.n_columns());
    const std::string json = train(training.data(), nullptr, training.options).json;

    // The training rows reach thresholds; some cells become infinite or unseen categories.
    FloatTable wild = training.rows;
    Random random(kSeed + 2, seed);
    for (std::size_t i = 0; i < wild.n_rows(); i += 3) {
      const float odd[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), -0.0f,
                           1000.0f, -7.0f};
      wild.row(i)[random.below(wild.n_columns())] = odd[random.below(std::size(odd))];
    }
    require_parity(json, wild.view(), training.rows.view().slice(0, 30));
    n_with_categories += load_xgboost(json, "model").category_sets.size() > 1;
  }
  CHECK(n_with_categories >= 30);
}
