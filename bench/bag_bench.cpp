/// A bundle's bag of forests, folded into one, beside its forests one after the other, and what else a decision may ask
/// of them: one row, and a row of a batch.
///
///   bag_bench BUNDLE
///
/// Cells are drawn among the thresholds that the bag compares them with, so that rows spread over its leaves.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "bench_timing.h"
#include "sluice/base/random.h"
#include "sluice/bundle/bundle.h"
#include "sluice/bundle/forest_inputs.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/bundle/gain_model.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/train/booster.h"

namespace {

using namespace sluice;

constexpr std::size_t kRows = 4096;

Table draw_rows(const cascade::Bundle& bundle) {
  const auto columns = bundle.schema.forest_columns();
  std::vector<std::vector<double>> thresholds(columns.size());
  for (const gbdt::Forest& forest : *bundle.forests)
    for (const gbdt::Node& node : forest.nodes)
      if (!node.is_leaf() && !node.is_category()) thresholds[node.feature].push_back(static_cast<double>(node.value));
  Random random(1);
  Table rows(bundle.schema.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t f = 0; f < columns.size(); ++f) {
      const std::size_t n_words = bundle.schema[columns[f]].vocabulary.size();
      if (n_words > 0)
        rows.row(i)[columns[f]] = static_cast<double>(random.below(n_words));
      else if (!thresholds[f].empty())
        rows.row(i)[columns[f]] = thresholds[f][random.below(thresholds[f].size())] + random.normal() * 1e-3;
    }
  return rows;
}

/// A gain model as training makes them (training/gain_step.cpp), of random gains.
cascade::GainModel make_gain_model(const Schema& schema, const Table& rows,
                                   std::span<const cascade::PrefixMargins> staged) {
  const auto columns = schema.forest_columns();
  FloatTable features(columns.size() + 1, rows.n_rows());
  std::vector<float> gains;
  Random random(2);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    cascade::gather_columns(rows.row(i), columns, features.row(i).first(columns.size()));
    features.row(i)[columns.size()] = staged[i].back();
    gains.push_back(static_cast<float>(random.normal()) + staged[i].back());
  }
  gbdt::TrainData data{.rows = features.view(), .labels = gains};
  for (const std::size_t column : columns) data.is_category.push_back(schema[column].kind == Kind::category);
  data.is_category.push_back(false);
  const auto trained = gbdt::train(data, nullptr,
                                   {.objective = "reg:squarederror",
                                    .eval_metric = "rmse",
                                    .n_rounds = 200,
                                    .max_depth = 3,
                                    .eta = 0.05,
                                    .colsample_bytree = 0.5});
  return {gbdt::load_xgboost(trained.json, "gain.json"), schema};
}

/// One way to work on rows, one of them or all.
struct Way {
  const char* name;
  std::function<void(RowsView)> work;
};

using Stages = std::vector<std::unique_ptr<cascade::ForestStage>>;

void print(const std::vector<Way>& ways, const Table& rows) {
  std::vector<bench::Work> ones, batches;
  std::size_t at = 0;
  for (const Way& way : ways) {
    ones.push_back({[&] { way.work(rows.view().slice(at++ % kRows, 1)); }, 1});
    batches.push_back({[&] { way.work(rows.view()); }, kRows});
  }
  const auto of_row = bench::time_in_turns(ones, 20001), of_batch = bench::time_in_turns(batches, 51);
  for (std::size_t k = 0; k < ways.size(); ++k)
    std::printf("| %s | %.2f µs | %.3f µs |\n", ways[k].name, of_row[k].median, of_batch[k].median);
}

void run(const char* folder) {
  const auto bundle = cascade::Bundle::load(folder);
  const Table rows = draw_rows(bundle);
  Stages folded, apart;
  folded.push_back(cascade::make_forest_stage(bundle.forests, bundle.schema));
  std::size_t n_trees = 0;
  for (const gbdt::Forest& forest : *bundle.forests) {
    n_trees += forest.n_trees();
    apart.push_back(
        cascade::make_forest_stage(std::make_shared<const std::vector<gbdt::Forest>>(1, forest), bundle.schema));
  }
  std::vector<cascade::PrefixMargins> staged(kRows);
  std::vector<float> numbers(kRows);
  const auto by = [&](const Stages& stages) {
    return [&](RowsView some) {
      for (const auto& stage : stages) stage->score(some, {staged.data(), some.n_rows});
    };
  };
  const auto signal = [&](dnn::ForestSignal which) {
    return
        [&, signals = std::make_shared<cascade::ForestSignals>(*bundle.forests, bundle.schema, std::span(&which, 1))](
            RowsView some) { signals->compute(some, {numbers.data(), some.n_rows}); };
  };
  folded.front()->score(rows.view(), staged);
  const cascade::GainModel gain = make_gain_model(bundle.schema, rows, staged);
  const std::vector<Way> ways = {
      {"one after the other", by(apart)},
      {"folded into one", by(folded)},
      {"leaf support, beside it", signal(dnn::ForestSignal::leaf_support)},
      {"disagreement, beside it", signal(dnn::ForestSignal::disagreement)},
      {"expected gain, beside it", [&](RowsView some) { gain.expect(some, {staged.data(), some.n_rows}, numbers); }}};
  std::printf("| %zu forests, %zu trees, %zu features | one row | a row of %zu |\n|---|---|---|\n",
              bundle.forests->size(), n_trees, bundle.schema.forest_columns().size(), kRows);
  print(ways, rows);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "bag_bench BUNDLE\n"), 2;
  run(argv[1]);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
