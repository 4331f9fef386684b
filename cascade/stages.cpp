#include "sluice/cascade/stages.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/fold.h"
#include "sluice/gbdt/predict.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kForestBlock = 512;  // rows scored at once, as many as the forest's kernel takes
constexpr std::size_t kStackFloats = kForestBlock * 32;
constexpr std::size_t kStages = dnn::kStages.size();

void check_forest(const gbdt::Forest& forest, const Schema& schema) {
  const auto columns = schema.forest_columns();
  if (forest.n_groups != 1)
    throw Error("forest.not_binary",
                "the cascade's forest has one output; this one has " + std::to_string(forest.n_groups));
  if (forest.link != gbdt::Link::logistic)
    throw Error("forest.not_binary", "the cascade's forest gives log-odds; this one's objective is " + forest.objective,
                "train it with binary:logistic");
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
  BagStage(const std::vector<gbdt::Forest>& bag, const Schema& schema) : schema_(schema) {
    for (const auto& forest : bag) check_forest(forest, schema);
    bag_ = gbdt::fold(bag, dnn::kStages);
  }

  void score(RowsView rows, std::span<StagedMargins> out) const override {
    for (std::size_t first = 0; first < rows.n_rows; first += kForestBlock) {
      const std::size_t n = std::min(kForestBlock, rows.n_rows - first);
      score_block(rows.slice(first, n), out.subspan(first, n));
    }
  }

 private:
  void score_block(RowsView rows, std::span<StagedMargins> out) const {
    const auto columns = schema_.forest_columns();
    StackBuffer<float, kStackFloats> inputs(rows.n_rows * columns.size());
    for (std::size_t i = 0; i < rows.n_rows; ++i)
      gather_columns(rows.row(i), columns, inputs.span().subspan(i * columns.size(), columns.size()));
    static_assert(sizeof(StagedMargins) == kStages * sizeof(float));
    gbdt::predict_staged(bag_.forest, BatchView(inputs.data(), rows.n_rows, columns.size()), bag_.ends,
                         {out.front().data(), out.size() * kStages});
  }

  gbdt::FoldedBag bag_;
  Schema schema_;
};

}  // namespace

void gather_columns(RowView row, std::span<const std::size_t> columns, std::span<float> out) {
  for (std::size_t f = 0; f < columns.size(); ++f) out[f] = static_cast<float>(row[columns[f]]);
}

std::unique_ptr<ForestStage> make_forest_stage(std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                                               const Schema& schema) {
  return std::make_unique<BagStage>(*bag, schema);
}

}  // namespace sluice::cascade
