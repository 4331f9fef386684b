/// The gain model, the staged margins and the signals of a bag for many shapes: trees, forests, columns and rows around
/// the size of every buffer and block. Compared with plain sums over the generator's own trees.

#include <algorithm>
#include <cmath>
#include <limits>

#include "sluice/base/error.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/bundle/gain_model.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/gbdt/load_xgboost.h"
#include "support/catch.h"
#include "support/forest_shapes.h"

namespace sluice::test {
namespace {

using namespace cascade;

constexpr std::uint64_t kSeed = 20260403;
constexpr std::size_t kDistinctRows = 7;

/// `n_columns` columns that a forest reads, between columns that it does not read.
Schema schema_of(std::size_t n_columns) {
  std::vector<Column> columns = {{.name = "when", .kind = Kind::time}};
  for (std::size_t i = 0; i < n_columns; ++i) columns.push_back({.name = "x" + std::to_string(i)});
  columns.push_back({.name = "id", .kind = Kind::id});
  return Schema(columns);
}

PlainModel forest_of(std::size_t n_features, const std::vector<TreeShape>& trees, std::uint64_t seed) {
  return make_forest({"", static_cast<int>(n_features), 1, trees}, seed);
}

/// Rows of a test: raw cells and the forest's margins.
struct Rows {
  Table raw;
  FloatTable features;  // the forest's columns, then the margin
  std::vector<PrefixMargins> staged;
};

Rows rows_of(std::size_t n_columns, std::size_t n_rows, std::uint64_t seed) {
  Rows rows{Table(n_columns + 2, n_rows), FloatTable(n_columns + 1, n_rows), std::vector<PrefixMargins>(n_rows)};
  for (std::size_t i = 0; i < n_rows; ++i) {
    Random random(seed, i % kDistinctRows);
    for (std::size_t c = 0; c <= n_columns; ++c)
      rows.features.row(i)[c] = random.below(8) == 0 ? std::nanf("") : static_cast<float>(random.normal());
    rows.raw.row(i)[0] = 1.5e9, rows.raw.row(i)[n_columns + 1] = 7;
    for (std::size_t c = 0; c < n_columns; ++c) rows.raw.row(i)[c + 1] = static_cast<double>(rows.features.row(i)[c]);
    rows.staged[i] = {1e6f, -1e6f, 2e6f, rows.features.row(i)[n_columns]};  // only the last is read
  }
  return rows;
}

const PlainNode& leaf_of(const PlainTree& tree, std::span<const float> row) {
  const PlainNode* node = &tree.nodes[0];
  while (node->left >= 0) {
    const float x = row[static_cast<std::size_t>(node->feature)];
    node = &tree.nodes[static_cast<std::size_t>(oracle::goes_left(*node, x) ? node->left : node->right)];
  }
  return *node;
}

void check_gains(const PlainModel& model, std::size_t n_columns, const std::vector<std::size_t>& row_counts) {
  const GainModel gain(gbdt::load_xgboost(to_json(model), "gain.json"), schema_of(n_columns));
  for (const std::size_t n : row_counts) {
    const Rows rows = rows_of(n_columns, n, kSeed);
    const std::vector<float> expected = oracle::margins(model, rows.features.view());
    std::vector<float> gains(n, -1), one(n);
    gain.expect(rows.raw.view(), rows.staged, gains);
    for (std::size_t i = 0; i < n; ++i) one[i] = gain.expect(rows.raw.row(i), rows.staged[i]);
    CAPTURE(n_columns, model.trees.size(), n);
    REQUIRE(difference(gains, expected) == "");
    REQUIRE(difference(one, expected) == "");
  }
}

PlainModel gain_forest(std::size_t n_columns, const std::vector<TreeShape>& trees, std::uint64_t seed) {
  PlainModel model = forest_of(n_columns + 1, trees, seed);
  model.objective = "reg:squarederror";
  model.base_score = "2.5E-1";
  model.base_margin = 0.25f;
  return model;
}

/// Margins after each share of every forest's trees, each leaf and the base divided by the number of forests.
std::vector<float> staged_by_definition(const std::vector<PlainModel>& bag, std::span<const float> row) {
  const auto n = static_cast<double>(bag.size());
  double base = 0;
  for (const PlainModel& model : bag) base += static_cast<double>(model.base_margin);
  auto margin = static_cast<float>(base / n);
  std::vector<float> out;
  for (std::size_t quarter = 1; quarter <= 4; ++quarter) {
    for (const PlainModel& model : bag)
      for (std::size_t t = model.trees.size() * (quarter - 1) / 4; t < model.trees.size() * quarter / 4; ++t)
        margin += static_cast<float>(static_cast<double>(leaf_of(model.trees[t], row).value) / n);
    out.push_back(margin);
  }
  return out;
}

std::vector<double> facts_by_definition(const std::vector<PlainModel>& bag, std::span<const float> row) {
  double shares = 0, n_trees = 0, mean = 0, squares = 0;
  std::vector<double> margins;
  for (const PlainModel& model : bag) {
    for (const PlainTree& tree : model.trees) {
      shares += std::log(static_cast<double>(leaf_of(tree, row).cover) / static_cast<double>(tree.nodes[0].cover));
      ++n_trees;
    }
    const float margin = oracle::margins(model, BatchView(row))[0];
    margins.push_back(static_cast<double>(margin));
  }
  for (const double m : margins) mean += m / static_cast<double>(margins.size());
  for (const double m : margins) squares += (m - mean) * (m - mean);
  return {n_trees > 0 ? shares / n_trees : 0, std::sqrt(squares / static_cast<double>(margins.size() - 1))};
}

struct Bag {
  std::vector<PlainModel> models;
  std::shared_ptr<std::vector<gbdt::Forest>> forests = std::make_shared<std::vector<gbdt::Forest>>();

  Bag(std::size_t n_forests, std::size_t n_columns, const std::vector<TreeShape>& trees) {
    for (std::size_t k = 0; k < n_forests; ++k) {
      models.push_back(forest_of(n_columns, trees, kSeed + k));
      forests->push_back(gbdt::load_xgboost(to_json(models.back()), "forest.json"));
    }
  }
};

void check_bag(const Bag& bag, std::size_t n_columns, const std::vector<std::size_t>& row_counts) {
  using enum dnn::ForestSignal;
  const Schema schema = schema_of(n_columns);
  const auto stage = make_forest_stage(bag.forests, schema);
  const bool is_bag = bag.models.size() > 1;
  const std::vector<dnn::ForestSignal> wanted =
      is_bag ? std::vector{leaf_support, disagreement} : std::vector{leaf_support};
  const ForestSignals signals(*bag.forests, schema, wanted), none(*bag.forests, schema, {});
  for (const std::size_t n : row_counts) {
    const Rows rows = rows_of(n_columns, n, kSeed + 1);
    std::vector<PrefixMargins> staged(n);
    std::vector<float> found(n * wanted.size()), nothing;
    stage->score(rows.raw.view(), staged);
    signals.compute(rows.raw.view(), found);
    none.compute(rows.raw.view(), nothing);
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = rows.features.row(i).first(n_columns);
      CAPTURE(bag.models.size(), bag.models[0].trees.size(), n_columns, n, i);
      REQUIRE(difference(staged[i], staged_by_definition(bag.models, row)) == "");
      const std::vector<double> expected = facts_by_definition(bag.models, row);
      for (std::size_t k = 0; k < wanted.size(); ++k)
        REQUIRE(static_cast<double>(found[i * wanted.size() + k]) == Approx(expected[k]).epsilon(1e-4).margin(1e-5));
    }
  }
}

}  // namespace

TEST_CASE("a gain is the plain sum of leaf values for 0, 1 and many trees, and for batches around a block's size") {
  const std::vector<std::size_t> row_counts = {0, 1, 2, 47, 48, 49, 63, 64, 65, 511, 512, 513, 1025};
  std::uint64_t seed = kSeed;
  for (const std::vector<TreeShape>& trees :
       {std::vector<TreeShape>{},
        {{}},
        {{.depth = 1}},
        std::vector<TreeShape>(12, {.depth = 2}),
        std::vector<TreeShape>(33, {.depth = 4}),
        std::vector<TreeShape>{{}, {.depth = 6}, {.depth = 9, .form = Form::left}}})
    for (const std::size_t n_columns : {1, 3})
      check_gains(gain_forest(n_columns, trees, ++seed), n_columns, row_counts);
}

TEST_CASE("a gain model reads 0 columns, 1, as many as fit on the stack, and one more") {
  std::uint64_t seed = kSeed + 100;
  for (const std::size_t n_columns : {0, 1, 30, 31, 32, 33, 510, 511, 512, 513}) {
    const std::vector<TreeShape> trees(n_columns < 100 ? 3 : 9, {.depth = 6});  // each of 513 columns has a split
    check_gains(gain_forest(n_columns, trees, ++seed), n_columns, {1, 2, 511, 512, 513});
  }
}

TEST_CASE("a bag's staged margins and signals equal their definitions for every number of forests and trees") {
  for (const std::size_t n_forests : {1, 2, 3, 15, 16, 17})
    for (const std::size_t n_trees : {0, 1, 2, 3, 4, 5, 7, 8, 9})
      check_bag(Bag(n_forests, 3, std::vector<TreeShape>(n_trees, {.depth = 3})), 3, {0, 1, 2, 65});
  for (const std::size_t n_forests : {2, 16, 17}) check_bag(Bag(n_forests, 3, {{.depth = 2}, {}}), 3, {511, 512, 513});
}

TEST_CASE("gains, staged margins and signals of many small trees and a deep one equal their definitions") {
  const std::vector<std::size_t> row_counts = {1, 2, 47, 48, 49, 511, 512, 513};
  for (const std::size_t n_trees : {181, 200, 700})
    for (const int depth : {0, 1}) {
      const std::vector<TreeShape> trees = many_and_one(n_trees, {.depth = depth}, {.depth = 6});
      check_gains(gain_forest(3, trees, kSeed + n_trees), 3, row_counts);
      check_bag(Bag(2, 3, trees), 3, row_counts);
    }
}

TEST_CASE("a bag's staged margins and signals equal their definitions for numbers of columns around a block's buffer") {
  for (const std::size_t n_columns : {1, 31, 32, 33, 64, 65})
    check_bag(Bag(2, n_columns, std::vector<TreeShape>(2, {.depth = 5})), n_columns, {1, 511, 512, 513});
}

}  // namespace sluice::test
