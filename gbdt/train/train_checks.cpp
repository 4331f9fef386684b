#include "sluice/gbdt/train/train_checks.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice::gbdt {
namespace {

bool is_binary(const std::string& objective) { return objective.starts_with("binary:"); }

void check_shape(const TrainData& data, const std::string& what) {
  const std::size_t n_rows = data.rows.n_rows, n_columns = data.rows.n_columns;
  const auto refuse = [&](const std::string& fault) { throw Error("booster.shape", what + ": " + fault); };
  if (n_rows == 0) refuse("no rows");
  if (n_columns == 0) refuse("no feature columns");
  if (data.labels.size() != n_rows)
    refuse(std::to_string(data.labels.size()) + " labels for " + std::to_string(n_rows) + " rows");
  if (!data.weights.empty() && data.weights.size() != n_rows)
    refuse(std::to_string(data.weights.size()) + " weights for " + std::to_string(n_rows) + " rows");
  if (!data.is_category.empty() && data.is_category.size() != n_columns)
    refuse("is_category must have one element per column");
  if (!data.names.empty() && data.names.size() != n_columns) refuse("names must have one element per column");
}

void check_cells(const TrainData& data, const std::string& what) {
  for (std::size_t i = 0; i < data.rows.n_rows; ++i) {
    const auto row = data.rows.row(i);
    for (std::size_t c = 0; c < row.size(); ++c) {
      const float x = row[c];
      if (std::isnan(x)) continue;
      const auto place = [&] {
        return what + ", row " + std::to_string(i) + ", feature " + feature_label(data, c) + ": ";
      };
      if (std::isinf(x))
        throw Error("booster.infinite", place() + "the value is infinite", "make it missing or cap it");
      if (!data.is_category.empty() && data.is_category[c] && !(x >= 0.0f && x < 16777216.0f && x == std::floor(x)))
        throw Error("booster.category", place() + number_text(x) + " is not a category code",
                    "codes are whole numbers in [0, 2^24)");
    }
  }
}

void check_labels(const TrainData& data, const TrainOptions& options, const std::string& what, bool is_fitted) {
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    const float y = data.labels[i];
    const bool is_valid = is_binary(options.objective) ? y == 0.0f || y == 1.0f : std::isfinite(y);
    if (!is_valid)
      throw Error("booster.label", what + ", row " + std::to_string(i) + ": the label " + number_text(y) +
                                       (is_binary(options.objective) ? " is neither 0 nor 1" : " is not finite"));
  }
  const auto is_first_class = [&](float y) { return y == data.labels[0]; };
  if (is_fitted && is_binary(options.objective) && std::all_of(data.labels.begin(), data.labels.end(), is_first_class))
    throw Error("booster.one_class", what + ": every label is " + number_text(data.labels[0]),
                "training needs rows of both classes");
}

void check_weights(const TrainData& data, const std::string& what) {
  for (std::size_t i = 0; i < data.weights.size(); ++i) {
    const float weight = data.weights[i];
    if (!(weight >= 0.0f && std::isfinite(weight)))
      throw Error("booster.weight",
                  what + ", row " + std::to_string(i) + ": the weight " + number_text(weight) + " is not in [0, inf)");
  }
}

void check_range(const char* name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw Error("booster.options", std::string(name) + " " + number_text(value) + " is outside [" + number_text(low) +
                                       ", " + number_text(high) + "]");
}

}  // namespace

std::string feature_label(const TrainData& data, std::size_t column) {
  return data.names.empty() ? std::to_string(column) : "\"" + data.names[column] + "\"";
}

void check_train_data(const TrainData& data, const TrainOptions& options, const std::string& what, bool is_fitted) {
  check_shape(data, what);
  check_cells(data, what);
  check_labels(data, options, what, is_fitted);
  check_weights(data, what);
}

void check_train_options(const TrainOptions& options, std::size_t n_features) {
  constexpr double kMany = 1e9;
  check_range("n_rounds", static_cast<double>(options.n_rounds), 1, 1e6);
  check_range("max_depth", options.max_depth, 0, 64);
  check_range("max_leaves", options.max_leaves, 0, 1 << 20);
  check_range("eta", options.eta, 1e-6, 1);
  check_range("subsample", options.subsample, 1e-6, 1);
  check_range("colsample_bytree", options.colsample_bytree, 1e-6, 1);
  check_range("colsample_bylevel", options.colsample_bylevel, 1e-6, 1);
  check_range("min_child_weight", options.min_child_weight, 0, kMany);
  check_range("lambda", options.lambda, 0, kMany);
  check_range("alpha", options.alpha, 0, kMany);
  check_range("gamma", options.gamma, 0, kMany);
  check_range("scale_pos_weight", options.scale_pos_weight, 1e-9, kMany);
  check_range("max_bin", options.max_bin, 2, 65535);
  check_range("max_cat_to_onehot", options.max_cat_to_onehot, 1, kMany);
  check_range("n_threads", options.n_threads, 1, 4096);
  if (!options.monotone.empty() && options.monotone.size() != n_features)
    throw Error("booster.options", "monotone has " + std::to_string(options.monotone.size()) + " signs for " +
                                       std::to_string(n_features) + " features");
  for (const int sign : options.monotone) check_range("monotone", sign, -1, 1);
}

}  // namespace sluice::gbdt
