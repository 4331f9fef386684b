#include "sluice/bundle/gain_model.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/bundle/forest_inputs.h"
#include "sluice/gbdt/predict.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kStackFeatures = 512;

void check_gain_forest(const gbdt::Forest& forest, const Schema& schema) {
  const auto columns = schema.forest_columns();
  if (forest.n_groups != 1 || forest.link != gbdt::Link::identity)
    throw Error("gain.model",
                "a gain model has one output without a link; this forest's objective is " + forest.objective,
                "train it with reg:squarederror");
  if (forest.n_features != columns.size() + 1)
    throw Error("gain.model", "the gain model reads " + std::to_string(forest.n_features) +
                                  " features, not the schema's " + std::to_string(columns.size()) +
                                  " forest columns and the margin");
  for (std::size_t f = 0; f < forest.feature_names.size(); ++f) {
    const std::string expected = f < columns.size() ? schema[columns[f]].name : GainModel::kMarginName;
    if (forest.feature_names[f] != expected)
      throw Error("gain.model", "feature " + std::to_string(f) + " of the gain model is \"" + forest.feature_names[f] +
                                    "\", not \"" + expected + "\"");
  }
}

}  // namespace

GainModel::GainModel(gbdt::Forest forest, const Schema& schema)
    : forest_(std::move(forest)), columns_(schema.forest_columns().begin(), schema.forest_columns().end()) {
  check_gain_forest(forest_, schema);
}

float GainModel::expect(RowView row, const PrefixMargins& staged) const {
  StackBuffer<float, kStackFeatures> features(columns_.size() + 1);
  gather(row, staged, features.span());
  float gain = 0;
  gbdt::predict_row(forest_, features.span(), {&gain, 1});
  return gain;
}

void GainModel::expect(RowsView rows, std::span<const PrefixMargins> staged, std::span<float> gains) const {
  const std::size_t n_features = columns_.size() + 1;
  for (std::size_t first = 0; first < rows.n_rows; first += kForestBlock) {
    const std::size_t n = std::min(kForestBlock, rows.n_rows - first);
    StackBuffer<float, kForestBlock * 32> features(n * n_features);
    for (std::size_t i = 0; i < n; ++i)
      gather(rows.row(first + i), staged[first + i], features.span().subspan(i * n_features, n_features));
    gbdt::predict(forest_, BatchView(features.data(), n, n_features), gains.subspan(first, n));
  }
}

void GainModel::gather(RowView row, const PrefixMargins& staged, std::span<float> features) const {
  gather_columns(row, columns_, features.first(columns_.size()));
  features[columns_.size()] = staged.back();
}

}  // namespace sluice::cascade
