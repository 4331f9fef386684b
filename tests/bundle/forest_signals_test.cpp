#include "sluice/bundle/forest_signals.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "sluice/base/error.h"
#include "sluice/bundle/forest_inputs.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/dnn/executor.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/predict.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using enum dnn::ForestSignal;

const std::vector<dnn::ForestSignal> kBoth = {leaf_support, disagreement};

FloatTable features_of(const Table& rows, const Schema& schema) {
  FloatTable features(schema.forest_columns().size(), rows.n_rows());
  for (std::size_t i = 0; i < rows.n_rows(); ++i) gather_columns(rows.row(i), schema.forest_columns(), features.row(i));
  return features;
}

/// The signals by their definition: leaf by leaf, and two passes over the forests' margins.
std::vector<double> facts_by_definition(const std::vector<gbdt::Forest>& bag, const FloatTable& features,
                                        std::size_t i) {
  double shares = 0, n_trees = 0;
  std::vector<double> margins;
  const BatchView row(features.row(i).data(), 1, features.row(i).size());
  for (const gbdt::Forest& forest : bag) {
    std::vector<std::int32_t> leaves(forest.n_file_trees());
    gbdt::leaf_ids(forest, row, leaves);
    for (std::size_t t = 0; t < forest.n_trees(); ++t, ++n_trees) {
      const gbdt::Tree& tree = forest.trees[t];
      for (std::uint32_t at = tree.first; at < tree.first + tree.n_nodes; ++at)
        if (forest.node_ids[at] == leaves[t])
          shares += std::log(static_cast<double>(forest.cover[at]) / static_cast<double>(forest.cover[tree.first]));
    }
    float margin = 0;
    gbdt::predict(forest, row, {&margin, 1});
    margins.push_back(static_cast<double>(margin));
  }
  double mean = 0, squares = 0;
  for (const double m : margins) mean += m / static_cast<double>(margins.size());
  for (const double m : margins) squares += (m - mean) * (m - mean);
  return {shares / n_trees, std::sqrt(squares / static_cast<double>(margins.size() - 1))};
}

}  // namespace

TEST_CASE("signals of a bag equal their definitions, in any batch and order") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 3, {.n_forests = 3, .n_trees = 20, .depth = 5});
  const Table rows = small_rows(bundle->schema, 700, 4);
  const FloatTable features = features_of(rows, bundle->schema);
  const ForestSignals signals(*bundle->forests, bundle->schema, kBoth);
  std::vector<float> all(1400), one(2), reversed(1400);
  signals.compute(rows.view(), all);
  ForestSignals(*bundle->forests, bundle->schema, std::vector{disagreement, leaf_support})
      .compute(rows.view(), reversed);
  for (std::size_t i = 0; i < 700; ++i) {
    const auto expected = facts_by_definition(*bundle->forests, features, i);
    REQUIRE(all[2 * i] == Approx(expected[0]).epsilon(1e-5));
    REQUIRE(all[2 * i + 1] == Approx(expected[1]).epsilon(1e-5).margin(1e-6));
    signals.compute(rows.view().slice(i, 1), one);
    REQUIRE(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(2 * i)));
    REQUIRE(reversed[2 * i] == one[1]);
    REQUIRE(reversed[2 * i + 1] == one[0]);
  }
}

TEST_CASE("a network that reads signals gets them, row by row and in batches, without allocation") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 5, {.n_forests = 3, .signals = kBoth, .band = Band{0, 1, true}});
  REQUIRE(std::ranges::equal(bundle->encoder()->signals(), kBoth));
  const Engine engine(bundle);
  const Table rows = small_rows(bundle->schema, 300, 6);
  std::vector<Decision> batch(300);
  engine.decide_batch(rows.view(), batch);

  std::vector<PrefixMargins> staged(300);
  engine.forest_stage().score(rows.view(), staged);
  std::vector<float> signals(600);
  ForestSignals(*bundle->forests, bundle->schema, kBoth).compute(rows.view(), signals);
  const FloatTable said = join_signals(staged, signals);
  FloatTable encoded(bundle->encoder()->n_encoded(), 300);
  for (std::size_t i = 0; i < 300; ++i) bundle->encoder()->encode(rows.row(i), said.row(i), encoded.row(i));
  std::vector<float> margins(300);
  dnn::make_executor(bundle->network, dnn::Device::cpu)->forward(encoded.view(), margins);

  for (std::size_t i = 0; i < 300; ++i) {
    const Decision d = engine.decide(rows.row(i));
    REQUIRE(d.level == Level::L0);
    REQUIRE(d.network.margin == margins[i]);
    REQUIRE(batch[i].network.margin == margins[i]);
  }
  const std::size_t before = n_allocations();
  engine.decide(rows.row(0));
  CHECK(n_allocations() == before);
}

TEST_CASE("signals that a bag or a stage cannot provide are refused, each with its own code") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 7, {.n_forests = 2, .signals = kBoth});
  const auto& forests = *bundle->forests;
  CHECK(code_of([&] { ForestSignals(std::span(forests).first(1), bundle->schema, kBoth); }) == "forest.bag");
  auto bare = forests;
  std::ranges::fill(bare[1].cover, 0.0f);
  CHECK(code_of([&] { ForestSignals(bare, bundle->schema, kBoth); }) == "forest.cover");
  CHECK(code_of([&] { make_network_stage(bundle->network, dnn::Device::cpu); }) == "network.signal");
  const auto too_many = std::make_shared<const ForestSignals>(forests, bundle->schema, kBoth);
  const auto plain = small_bundle(dir / "plain", 7);
  CHECK(code_of([&] { make_network_stage(plain->network, dnn::Device::cpu, too_many); }) == "network.signal");
}

}  // namespace sluice::test
