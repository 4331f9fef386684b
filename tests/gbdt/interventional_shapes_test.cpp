/// Interventional values and interactions by the shape of the forest: tables of four and of six levels, and pairs.

#include <cmath>
#include <map>

#include "sluice/gbdt/interventional.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/shap/shap_state.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/forest_shapes.h"
#include "support/shapley_oracle.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260402;

std::vector<ForestShape> shapes() {
  std::vector<ForestShape> out;
  for (const int depth : {0, 1, 2, 3, 4, 5, 6, 7, 12, 13})
    for (const Form form : {Form::full, Form::left, Form::right})
      for (const int n_features : {1, 2, 6}) {
        if (form == Form::full && depth > 7) continue;
        out.push_back({"depth " + std::to_string(depth), n_features, 1,
                       std::vector<TreeShape>(2, {.depth = depth, .form = form})});
      }
  for (const std::size_t n : {1, 2, 15, 16, 17})
    for (const TreeShape last : {TreeShape{}, TreeShape{.depth = 4}, TreeShape{.depth = 6}, TreeShape{.depth = 7},
                                 TreeShape{.depth = 3, .kept = 0.8f}, TreeShape{.depth = 5, .n_categories = 20}})
      out.push_back({std::to_string(n) + " trees", 3, 1, many_and_one(n, {.depth = 1}, last)});
  for (const int n : {61, 62, 126, 254, 1000})
    out.push_back({std::to_string(n) + " categories", 3, 1, {{.depth = 5, .n_categories = n}}});
  for (const int depth : {0, 1, 4, 6, 7})
    out.push_back({"groups", 3, 3, {{.depth = depth}, {.group = 1}, {.depth = 2, .group = 2}}});
  return out;
}

std::string way_of(const ShapTables& tables) {
  const ShapState& state = tables.state();
  const std::string heaps = !state.full.trees.empty() ? "full" : !state.shallow.trees.empty() ? "shallow" : "no";
  return heaps + (state.deep.empty() ? " tables" : " tables, pairs");
}

std::vector<double> values(const Forest& forest, const InterventionalTables& tables, BatchView rows) {
  std::vector<double> phi(attribution_size(forest, rows.n_rows));
  REQUIRE(interventional_shap(forest, tables, rows, phi).n_recomputed == 0);
  return phi;
}

}  // namespace

TEST_CASE("interventional values of trees of every depth, number and kind equal the sum over coalitions") {
  std::map<std::string, std::size_t> visits;
  std::uint64_t seed = kSeed;
  for (const ForestShape& shape : shapes()) {
    const PlainModel model = make_forest(shape, ++seed);
    const Forest forest = load_xgboost(to_json(model), "shape");
    Random random(seed, 1);
    FloatTable rows = random_rows(model, 3, random);
    put_last_categories(shape, rows);
    const std::size_t width = attribution_size(forest, 1);
    for (const std::size_t n_background : {1, 2, 17}) {
      const FloatTable background = random_rows(model, n_background, random);
      std::vector<float> weights;
      for (std::size_t i = 0; i < n_background; ++i)
        weights.push_back(i == 1 ? 0.0f : 1.0f + static_cast<float>(i % 3));
      const InterventionalTables audit(forest, background.view(), weights, Precision::audit);
      const InterventionalTables single(forest, background.view(), weights);
      const std::vector<double> exact = values(forest, audit, rows.view()), fast = values(forest, single, rows.view());
      for (std::size_t i = 0; i < rows.n_rows(); ++i) {
        const auto expected = oracle::interventional_shapley(model, rows.row(i), background.view(), weights);
        for (std::size_t k = 0; k < width; ++k) {
          CAPTURE(shape.name, seed, n_background, i, k, describe(model));
          REQUIRE(std::abs(exact[i * width + k] - expected[k]) <= 1e-9);
          REQUIRE(std::abs(fast[i * width + k] - expected[k]) <= 1e-5);
        }
      }
    }
    ++visits[way_of(ShapTables(forest))];
  }
  for (const char* way : {"shallow tables", "full tables", "shallow tables, pairs", "no tables, pairs"}) {
    CAPTURE(way);
    REQUIRE(visits[way] > 0);
  }
}

TEST_CASE("a row's interventional bits are the same in batches around a pass's rows") {
  for (const int depth : {4, 6, 7}) {
    const PlainModel model =
        make_forest({"batches", 3, 1, {{.depth = depth}, {}}}, kSeed + static_cast<std::uint64_t>(depth));
    Forest forest = load_xgboost(to_json(model), "shape");
    forest.binned = nullptr;
    Random random(kSeed, 2);
    const FloatTable rows = random_rows(model, 513, random), background = random_rows(model, 3, random);
    const InterventionalTables tables(forest, background.view());
    const std::vector<double> all = values(forest, tables, rows.view());
    const std::size_t width = attribution_size(forest, 1);
    for (const std::size_t n : {0, 1, 2, 511, 512}) {
      const std::vector<double> some = values(forest, tables, rows.view().slice(0, n));
      REQUIRE(std::equal(some.begin(), some.end(), all.begin()));
    }
    for (const std::size_t i : {0, 511, 512}) {
      const std::vector<double> one = values(forest, tables, rows.view().slice(i, 1));
      REQUIRE(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(i * width)));
    }
  }
}

TEST_CASE("interactions of trees of every depth, number and kind equal the sum over coalitions") {
  std::uint64_t seed = kSeed + 1000;
  for (const ForestShape& shape : shapes()) {
    const PlainModel model = make_forest(shape, ++seed);
    const Forest forest = load_xgboost(to_json(model), "shape");
    Random random(seed, 1);
    FloatTable rows = random_rows(model, 2, random);
    put_last_categories(shape, rows);
    const std::size_t n = forest.n_features, width = n + 1;
    std::vector<double> out(rows.n_rows() * forest.n_groups * width * width), phi(attribution_size(forest, 2));
    shap_interactions(forest, ShapTables(forest), rows.view(), out);
    tree_shap(forest, rows.view(), phi);
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::vector<double> pairs = oracle::shapley_interactions(model, rows.row(i));
      for (std::size_t g = 0; g < forest.n_groups; ++g) {
        const std::size_t at = i * forest.n_groups + g;
        const double* matrix = out.data() + at * width * width;
        for (std::size_t a = 0; a < width; ++a) {
          double sum = 0;
          for (std::size_t b = 0; b < width; ++b) {
            CAPTURE(shape.name, seed, i, g, a, b, describe(model));
            sum += matrix[a * width + b];
            if (a != b)
              REQUIRE(std::abs(matrix[a * width + b] - (a < n && b < n ? pairs[(g * n + a) * n + b] : 0)) <= 1e-9);
          }
          REQUIRE(std::abs(sum - phi[at * width + a]) <= 1e-9);
        }
      }
    }
  }
}
