#include "sluice/training/forest_trainer.h"
#include "sluice/bundle/forest_inputs.h"

#include <algorithm>
#include <set>

#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "sluice/bundle/calibration.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/gbdt/predict.h"
#include "support/catch.h"

namespace sluice::test {

using namespace training;

TEST_CASE("out-of-fold margins come from forests that were not trained on the row") {
  // Random labels and a feature that is unique to each row: only a forest trained on a row can predict its label.
  Table rows(1, 2000);
  std::vector<float> labels(2000);
  for (std::size_t i = 0; i < 2000; ++i)
    rows.row(i)[0] = static_cast<double>(i * 7919 % 2003), labels[i] = (i * 2654435761U >> 7) % 2 ? 1.0f : 0.0f;
  const ForestOptions options{.n_search = 1, .n_folds = 2, .max_rounds = 40};
  const auto result =
      train_forests(Schema(std::vector<Column>{{.name = "x"}}), {rows, labels}, {rows, labels}, options);
  REQUIRE(result.out_of_fold.size() == 2000);
  std::size_t n_right = 0;
  for (std::size_t i = 0; i < 2000; ++i) n_right += (result.out_of_fold[i].back() > 0) == (labels[i] > 0.5f);
  CHECK(n_right > 850);
  CHECK(n_right < 1150);
}

TEST_CASE("each fold has one forest per served configuration, or two if the fold forests are served") {
  Random random(13);
  const Schema schema({{.name = "a"}, {.name = "b"}});
  Table rows(2, 1500);
  std::vector<float> labels;
  for (std::size_t i = 0; i < 1500; ++i) {
    for (double& cell : rows.row(i)) cell = random.normal();
    labels.push_back(random.uniform() < sigmoid(rows.row(i)[0]) ? 1.0f : 0.0f);
  }
  ForestOptions options{.n_search = 6, .n_folds = 3, .max_rounds = 20};
  std::uint64_t n_rounds_of_folds = 0;
  const auto count = [&](std::string_view what, std::uint64_t, std::uint64_t total) {
    if (what == "forest folds") n_rounds_of_folds = total;
    return true;
  };
  const ForestResult result = train_forests(schema, {rows, labels}, {rows, labels}, options, count);
  CHECK(result.chosen.size() == 3);
  CHECK(result.forests.size() == 8);
  CHECK(n_rounds_of_folds == 9 * 20);

  options.serve_folds = true;
  CHECK(train_forests(schema, {rows, labels}, {rows, labels}, options).forests.size() == 6);
}

TEST_CASE("a single refitted forest is served, and the out-of-fold margins are on its scale") {
  Random random(4);
  const Schema schema({{.name = "a"}, {.name = "b"}});
  const auto draw = [&](std::size_t n, Table& rows, std::vector<float>& labels) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = rows.append();
      row[0] = random.normal(), row[1] = random.normal();
      labels.push_back(random.uniform() < sigmoid(2 * row[0] - row[1]) ? 1.0f : 0.0f);
    }
  };
  Table rows(2), valid_rows(2);
  std::vector<float> labels, valid_labels;
  draw(3000, rows, labels);
  draw(1500, valid_rows, valid_labels);
  ForestOptions options{.n_search = 1, .n_bag = 1, .n_folds = 3, .max_rounds = 60};
  const ForestResult result = train_forests(schema, {rows, labels}, {valid_rows, valid_labels}, options);
  REQUIRE(result.forests.size() == 1);
  REQUIRE(result.json.size() == 1);

  std::vector<float> out_of_fold, refit(valid_labels.size());
  for (const auto& staged : result.out_of_fold) out_of_fold.push_back(staged.back());
  FloatTable features(2);
  for (std::size_t i = 0; i < valid_rows.n_rows(); ++i)
    cascade::gather_columns(valid_rows.row(i), schema.forest_columns(), features.append());
  gbdt::predict(result.forests[0], features.view(), refit);
  const auto from = cascade::fit_platt(out_of_fold, labels), to = cascade::fit_platt(refit, valid_labels);
  CHECK(from.slope == Approx(to.slope).epsilon(1e-3));
  CHECK(from.intercept == Approx(to.intercept).margin(1e-3));

  options.n_bag = 6;
  options.n_search = 4;
  const ForestResult bag = train_forests(schema, {rows, labels}, {valid_rows, valid_labels}, options);
  CHECK(bag.chosen.size() == 2);  // the better half
  REQUIRE(bag.json.size() == 6);  // three seeds of each
  CHECK(std::set<std::string>(bag.json.begin(), bag.json.end()).size() == 6);
}

TEST_CASE("categories are tried as sets of words and as ordered numbers, and both are served as one forest") {
  Random random(8);
  Schema schema({{.name = "x"}, {.name = "size", .kind = Kind::category, .vocabulary = {"s", "m", "l", "xl"}}});
  Table rows(2);
  std::vector<float> labels;
  for (int i = 0; i < 3000; ++i) {
    const auto row = rows.append();
    row[0] = random.normal(), row[1] = static_cast<double>(random.below(4));
    labels.push_back(random.uniform() < sigmoid(row[0] + row[1] - 1.5) ? 1.0f : 0.0f);
  }
  const ForestOptions options{.n_search = 8, .n_bag = 4, .n_folds = 2, .max_rounds = 40};
  const ForestResult result = train_forests(schema, {rows, labels}, {rows, labels}, options);
  const auto is_ordered = [](const std::string& line) { return line.find(", ordered") != std::string::npos; };
  CHECK(std::count_if(result.log.begin(), result.log.end(), is_ordered) == 4);
  REQUIRE(result.chosen.size() == 4);
  for (std::size_t k = 0; k < 4; ++k) {
    INFO(k);
    const auto& nodes = result.forests[k].nodes;
    const bool has_sets =
        std::any_of(nodes.begin(), nodes.end(), [](const gbdt::Node& node) { return node.is_category(); });
    CHECK(has_sets != result.chosen[k].ordered);
  }

  const auto stage =
      cascade::make_forest_stage(std::make_shared<const std::vector<gbdt::Forest>>(result.forests), schema);
  std::vector<dnn::PrefixMargins> staged(rows.n_rows());
  stage->score(rows.view(), staged);
  FloatTable features(2);
  for (std::size_t i = 0; i < rows.n_rows(); ++i)
    cascade::gather_columns(rows.row(i), schema.forest_columns(), features.append());
  std::vector<double> mean(rows.n_rows());
  for (const std::string& json : result.json) {
    const auto margins = gbdt::ReferenceBooster(json).margins(features.view());
    for (std::size_t i = 0; i < margins.size(); ++i) mean[i] += static_cast<double>(margins[i]) / 4;
  }
  for (std::size_t i = 0; i < mean.size(); ++i) CHECK(staged[i].back() == Approx(mean[i]).margin(1e-5));
}

}  // namespace sluice::test
