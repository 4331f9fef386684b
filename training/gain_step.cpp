#include "sluice/training/gain_step.h"
#include "sluice/bundle/forest_inputs.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/train/booster.h"

namespace sluice::training {
namespace {

/// The forest's columns and the margin of each row; the margins of training rows are out of fold.
FloatTable features_of(const Schema& schema, const Part& part) {
  const auto columns = schema.forest_columns();
  FloatTable features(columns.size() + 1);
  features.reserve(part.rows.n_rows());
  for (std::size_t i = 0; i < part.rows.n_rows(); ++i) {
    const std::span<float> row = features.append();
    cascade::gather_columns(part.rows.row(i), columns, row.first(columns.size()));
    row[columns.size()] = part.staged[i].back();
  }
  return features;
}

/// Shallow trees and few rounds: every tree costs time in a decision.
gbdt::TrainOptions gain_options(const ForestOptions& options, double mean) {
  gbdt::TrainOptions t;
  t.objective = "reg:squarederror";
  t.eval_metric = "rmse";
  t.n_rounds = 200;
  t.max_depth = 3;
  t.eta = 0.05;
  t.subsample = 0.7;
  t.colsample_bytree = 0.5;
  t.min_child_weight = 30;
  t.base_score = mean;
  t.seed = options.seed;
  t.n_threads = options.n_threads;
  return t;
}

}  // namespace

void train_gain_model(const Schema& schema, const Part& train, std::span<const float> expected,
                      const ForestOptions& options, Models& models, const Progress& progress) {
  const FloatTable features = features_of(schema, train);
  gbdt::TrainData data{.rows = features.view(), .labels = expected};
  for (const std::size_t column : schema.forest_columns()) {
    data.is_category.push_back(schema[column].kind == Kind::category);
    data.names.push_back(schema[column].name);
  }
  data.is_category.push_back(false);
  data.names.push_back(cascade::GainModel::kMarginName);
  const double mean = std::accumulate(expected.begin(), expected.end(), 0.0) / static_cast<double>(expected.size());
  const auto named = [&](std::string_view, std::uint64_t done, std::uint64_t total) {
    return progress("gain model", done, total);
  };
  models.gain_json =
      gbdt::train(data, nullptr, gain_options(options, mean), progress ? Progress(named) : Progress()).json;
  models.gain = std::make_shared<const cascade::GainModel>(gbdt::load_xgboost(models.gain_json, "gain.json"), schema);
}

std::vector<float> expect_gains(const Models& models, const Part& part) {
  if (!models.gain) return {};
  std::vector<float> gains(part.rows.n_rows());
  models.gain->expect(part.rows.view(), part.staged, gains);
  return gains;
}

BandChoice choose_min_gain(std::span<const BandRow> rows, std::span<const float> gains, const BandOptions& options) {
  if (rows.empty()) return {};
  const auto most = static_cast<std::size_t>(max_forwarded(rows.size(), options));
  std::vector<float> sorted(gains.begin(), gains.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  std::size_t taken = std::min(most, sorted.size());
  while (taken > 0 && taken < sorted.size() && sorted[taken - 1] == sorted[taken])
    --taken;  // equal gains are taken together or not at all
  while (taken > 0 && sorted[taken - 1] <= 0) --taken;
  if (taken == 0) return {};
  const float least = sorted[taken - 1];
  double seen = 0, squares = 0, seen_of_all = 0, squares_of_all = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double saved = rows[i].seen, square = saved * saved;
    seen_of_all += saved;
    squares_of_all += square;
    if (gains[i] < least) continue;
    seen += saved;
    squares += square;
  }
  const auto n = static_cast<double>(rows.size()), n_taken = static_cast<double>(taken);
  const double mean = seen_of_all / n, variance = std::max(0.0, squares_of_all / n - mean * mean);
  const double error = error_of_sum(n_taken, seen, squares, variance);
  if (seen < options.min_z * error) return {};
  return {cascade::Band{0, 1, true, static_cast<double>(least)}, seen / n, error / n, n_taken / n};
}

}  // namespace sluice::training
