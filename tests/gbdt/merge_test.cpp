#include "sluice/gbdt/merge.h"

#include <cmath>
#include <functional>

#include "sluice/base/error.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "support/catch.h"
#include "support/random_forest.h"

namespace sluice::test {
namespace {

using gbdt::Forest;
constexpr double kShares[] = {0.25, 0.5, 0.75, 1.0};

struct Bag {
  PlainModel model;  // of the first forest
  std::vector<Forest> forests;
};

/// Forests of one objective over twelve features.
Bag random_bag(std::size_t n, std::uint64_t seed, bool with_categories) {
  Random random(seed);
  Bag bag;
  while (bag.forests.size() < n) {
    PlainModel model = random_model(random, {.with_categories = with_categories, .with_groups = false});
    if (model.objective != "binary:logistic") continue;
    model.n_features = 12;
    if (bag.forests.empty()) bag.model = model;
    bag.forests.push_back(gbdt::load_xgboost(to_json(model), "random"));
  }
  return bag;
}

}  // namespace

TEST_CASE("a merged bag's margins are the means of its forests' margins, after every share of the trees") {
  for (const bool with_categories : {false, true})
    for (const std::size_t n : {std::size_t{2}, std::size_t{5}}) {
      const auto [model, bag] = random_bag(n, 40 + n, with_categories);
      const auto merged = gbdt::merge(bag, kShares);
      Random random(9);
      const FloatTable rows = random_rows(model, 300, random);
      std::vector<float> staged(300 * 4), one(300);
      gbdt::predict_prefixes(merged.forest, rows.view(), merged.ends, staged);
      for (std::size_t s = 0; s < 4; ++s) {
        std::vector<double> mean(300);
        for (const Forest& forest : bag) {
          const auto last = static_cast<std::size_t>(static_cast<double>(forest.n_trees()) * kShares[s]);
          gbdt::predict(forest, rows.view(), one, {.trees = {0, last}});
          for (std::size_t i = 0; i < 300; ++i) mean[i] += static_cast<double>(one[i]) / static_cast<double>(n);
        }
        for (std::size_t i = 0; i < 300; ++i) {
          CAPTURE(with_categories, n, s, i);
          REQUIRE(std::abs(static_cast<double>(staged[i * 4 + s]) - mean[i]) <= 2e-6 * (1 + std::abs(mean[i])));
        }
      }
    }
}

TEST_CASE("a bag of one is that forest, bit for bit") {
  const auto [model, bag] = random_bag(1, 77, true);
  const auto merged = gbdt::merge(bag, kShares);
  Random random(3);
  const FloatTable rows = random_rows(model, 200, random);
  std::vector<float> ours(200), expected(200);
  gbdt::predict(merged.forest, rows.view(), ours);
  gbdt::predict(bag[0], rows.view(), expected);
  CHECK(ours == expected);
}

TEST_CASE("forests that cannot form a bag are rejected") {
  const auto code_of = [](const std::vector<Forest>& bag) -> std::string {
    try {
      gbdt::merge(bag, kShares);
    } catch (const Error& e) {
      return e.code();
    }
    return "";
  };
  auto bag = random_bag(2, 5, false).forests;
  CHECK(code_of({}) == "forest.bag");
  bag[1].n_features += 1;
  CHECK(code_of(bag) == "forest.bag");
  bag = random_bag(2, 5, false).forests;
  bag[1].link = gbdt::Link::exponential;
  CHECK(code_of(bag) == "forest.bag");
  bag = random_bag(2, 5, false).forests;
  bag[1].linear = {1};
  CHECK(code_of(bag) == "forest.unsupported");
}

}  // namespace sluice::test
