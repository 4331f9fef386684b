#include "sluice/cascade/forest_stage.h"

#include <string>

#include "sluice/base/error.h"
#include "sluice/bundle/forest_inputs.h"
#include "sluice/gbdt/merge.h"
#include "sluice/gbdt/predict.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kTreePrefixes = dnn::kTreePrefixes.size();

void check_forest(const gbdt::Forest& forest, const Schema& schema) {
  const auto columns = schema.forest_columns();
  if (forest.n_groups != 1)
    throw Error("forest.not_binary",
                "the cascade's forest must have one output; this one has " + std::to_string(forest.n_groups));
  if (forest.link != gbdt::Link::logistic)
    throw Error("forest.not_binary",
                "the cascade's forest must give log-odds; this one's objective is " + forest.objective,
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
    bag_ = gbdt::merge(bag, dnn::kTreePrefixes);
  }

  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    static_assert(sizeof(PrefixMargins) == kTreePrefixes * sizeof(float));
    in_forest_blocks(rows, schema_, [&](std::size_t first, BatchView inputs) {
      gbdt::predict_prefixes(bag_.forest, inputs, bag_.ends, {out[first].data(), inputs.n_rows * kTreePrefixes});
    });
  }

  std::vector<std::string> warnings() const override { return bag_.forest.warnings; }

 private:
  gbdt::MergedForest bag_;
  Schema schema_;
};

}  // namespace

std::unique_ptr<ForestStage> make_forest_stage(std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                                               const Schema& schema) {
  return std::make_unique<BagStage>(*bag, schema);
}

}  // namespace sluice::cascade
