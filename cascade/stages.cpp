#include "sluice/cascade/stages.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/predict.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kBlock = 64;  // rows scored at once; their inputs stay in the first-level cache
constexpr std::size_t kStackFloats = kBlock * 64;
constexpr std::size_t kStages = dnn::kStages.size();

/// 25, 50, 75 and 100 % of the trees.
std::array<std::size_t, kStages> stage_ends(const gbdt::Forest& forest) {
  std::array<std::size_t, kStages> ends{};
  for (std::size_t s = 0; s < kStages; ++s)
    ends[s] = static_cast<std::size_t>(static_cast<double>(forest.n_trees()) * dnn::kStages[s]);
  return ends;
}

void check_forest(const gbdt::Forest& forest, const Schema& schema) {
  const auto columns = schema.forest_columns();
  if (forest.n_groups != 1)
    throw Error("forest.not_binary",
                "the cascade's forest has one output; this one has " + std::to_string(forest.n_groups));
  if (forest.link != gbdt::Link::logistic)
    throw Error("forest.not_binary", "the cascade's forest gives log-odds; this one's objective is " + forest.objective,
                "train it with binary:logistic");
  if (!forest.linear.empty() || !forest.exact_values.empty())
    throw Error("forest.unsupported", "the cascade's forest is one of XGBoost's trees",
                "train it with booster gbtree or dart");
  if (forest.n_features != columns.size())
    throw Error("forest.features", "the forest reads " + std::to_string(forest.n_features) +
                                       " features, the schema has " + std::to_string(columns.size()) +
                                       " forest columns");
  for (std::size_t f = 0; f < forest.feature_names.size(); ++f)
    if (forest.feature_names[f] != schema[columns[f]].name)
      throw Error("forest.features", "feature " + std::to_string(f) + " is \"" + forest.feature_names[f] +
                                         "\" in the forest and \"" + schema[columns[f]].name + "\" in the schema");
}

class BagStage final : public ForestStage {
 public:
  BagStage(std::shared_ptr<const std::vector<gbdt::Forest>> bag, const Schema& schema)
      : bag_(std::move(bag)), schema_(schema) {
    if (bag_->empty()) throw Error("forest.empty", "the bag holds no forest");
    for (const auto& forest : *bag_) {
      check_forest(forest, schema);
      ends_.push_back(stage_ends(forest));
    }
  }

  void score(RowsView rows, std::span<StagedMargins> out) const override {
    for (std::size_t first = 0; first < rows.n_rows; first += kBlock) {
      const std::size_t n = std::min(kBlock, rows.n_rows - first);
      score_block(rows.slice(first, n), out.subspan(first, n));
    }
  }

 private:
  void score_block(RowsView rows, std::span<StagedMargins> out) const {
    const auto columns = schema_.forest_columns();
    StackBuffer<float, kStackFloats> inputs(rows.n_rows * columns.size());
    for (std::size_t i = 0; i < rows.n_rows; ++i)
      gather_columns(rows.row(i), columns, inputs.span().subspan(i * columns.size(), columns.size()));
    const BatchView batch(inputs.data(), rows.n_rows, columns.size());

    std::array<std::array<double, kStages>, kBlock> sums{};
    for (std::size_t k = 0; k < bag_->size(); ++k) {
      std::array<float, kBlock * kStages> margins;
      gbdt::predict_staged((*bag_)[k], batch, ends_[k], margins);
      for (std::size_t i = 0; i < rows.n_rows; ++i)
        for (std::size_t s = 0; s < kStages; ++s) sums[i][s] += margins[i * kStages + s];
    }
    const auto n_forests = static_cast<double>(bag_->size());
    for (std::size_t i = 0; i < rows.n_rows; ++i)
      for (std::size_t s = 0; s < kStages; ++s) out[i][s] = static_cast<float>(sums[i][s] / n_forests);
  }

  std::shared_ptr<const std::vector<gbdt::Forest>> bag_;
  Schema schema_;
  std::vector<std::array<std::size_t, kStages>> ends_;
};

class ResidualStage final : public NetworkStage {
 public:
  ResidualStage(std::shared_ptr<const dnn::Network> network, dnn::Device device)
      : network_(network), executor_(dnn::make_executor(std::move(network), device)) {}

  void score(RowsView rows, std::span<const StagedMargins> forest, std::span<float> out) const override {
    const dnn::Encoder& encoder = network_->encoder();
    for (std::size_t first = 0; first < rows.n_rows; first += kBlock) {
      const std::size_t n = std::min(kBlock, rows.n_rows - first);
      StackBuffer<float, kStackFloats> encoded(n * encoder.n_encoded());
      for (std::size_t i = 0; i < n; ++i)
        encoder.encode(rows.row(first + i), forest[first + i],
                       encoded.span().subspan(i * encoder.n_encoded(), encoder.n_encoded()));
      executor_->forward(BatchView(encoded.data(), n, encoder.n_encoded()), out.subspan(first, n));
    }
  }
  std::string_view device() const override { return executor_->device(); }

 private:
  std::shared_ptr<const dnn::Network> network_;
  std::unique_ptr<dnn::Executor> executor_;
};

}  // namespace

void gather_columns(RowView row, std::span<const std::size_t> columns, std::span<float> out) {
  for (std::size_t f = 0; f < columns.size(); ++f) out[f] = static_cast<float>(row[columns[f]]);
}

std::unique_ptr<ForestStage> make_forest_stage(std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                                               const Schema& schema) {
  return std::make_unique<BagStage>(std::move(bag), schema);
}

std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Network> network, dnn::Device device) {
  return std::make_unique<ResidualStage>(std::move(network), device);
}

}  // namespace sluice::cascade
