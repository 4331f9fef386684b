/// A bundle's bag of forests, folded into one, beside its forests one after the other: one row, and a row of a batch.
///
///   bag_bench BUNDLE
///
/// Cells are drawn among the thresholds that the bag compares them with, so that rows spread over its leaves.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include "bench_timing.h"
#include "sluice/base/random.h"
#include "sluice/cascade/bundle.h"
#include "sluice/cascade/stages.h"

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

struct Times {
  double row = 0, batch_row = 0;  // µs
};

using Stages = std::vector<std::unique_ptr<cascade::ForestStage>>;

/// Of each set of stages, in turns.
std::vector<Times> time_stages(const std::vector<const Stages*>& sets, const Table& rows) {
  std::vector<cascade::StagedMargins> staged(kRows);
  std::vector<bench::Work> ones, batches;
  std::size_t at = 0;
  for (const Stages* stages : sets) {
    ones.push_back({[&, stages] {
                      const auto row = rows.view().slice(at++ % kRows, 1);
                      for (const auto& stage : *stages) stage->score(row, {staged.data(), 1});
                    },
                    1});
    batches.push_back({[&, stages] {
                         for (const auto& stage : *stages) stage->score(rows.view(), staged);
                       },
                       kRows});
  }
  const auto of_row = bench::time_in_turns(ones, 20001), of_batch = bench::time_in_turns(batches, 51);
  std::vector<Times> times;
  for (std::size_t k = 0; k < sets.size(); ++k) times.push_back({of_row[k].median, of_batch[k].median});
  return times;
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
  const auto times = time_stages({&folded, &apart}, rows);
  const Times one = times[0], many = times[1];
  std::printf("| %zu forests, %zu trees, %zu features | one row | a row of %zu |\n|---|---|---|\n",
              bundle.forests->size(), n_trees, bundle.schema.forest_columns().size(), kRows);
  std::printf(
      "| one after the other | %.2f µs | %.3f µs |\n| folded into one | %.2f µs | %.3f µs |\n| | %.2f× | %.2f× |\n",
      many.row, many.batch_row, one.row, one.batch_row, many.row / one.row, many.batch_row / one.batch_row);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "bag_bench BUNDLE\n"), 2;
  run(argv[1]);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
