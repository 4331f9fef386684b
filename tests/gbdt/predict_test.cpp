#include "sluice/gbdt/predict.h"

#include <cmath>
#include <functional>
#include <limits>

#include "sluice/base/error.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load_xgboost.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;

namespace {

constexpr std::uint64_t kSeed = 20260101;

std::vector<float> margins(const Forest& forest, BatchView rows, const PredictOptions& options = {}) {
  std::vector<float> out(output_size(forest, rows.n_rows));
  predict(forest, rows, out, options);
  return out;
}

std::string code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return "no error";
}

}  // namespace

TEST_CASE("margins and leaves have the oracle's bits for any tree") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(kSeed, seed);
    ModelShape shape;
    shape.apart = seed % 2 == 1;
    PlainModel model = random_model(random, shape);
    model.bool_defaults = seed % 3 == 0;
    const FloatTable rows = random_rows(model, 70, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    CAPTURE(seed, describe(model));
    REQUIRE(difference(margins(forest, rows.view()), oracle::margins(model, rows.view())) == "");

    std::vector<std::int32_t> leaves(rows.n_rows() * forest.n_trees());
    leaf_ids(forest, rows.view(), leaves);
    REQUIRE(leaves == oracle::leaves(model, rows.view()));
  }
}

TEST_CASE("a row's margin does not depend on the batch around it") {
  Random random(kSeed);
  const PlainModel model = random_model(random, {.max_features = 8, .max_trees = 60});
  const Forest forest = load_xgboost(to_json(model), "random");
  const FloatTable rows = random_rows(model, 1000, random);
  const auto expected = oracle::margins(model, rows.view());

  for (const std::size_t size : {1, 2, 3, 4, 7, 8, 15, 16, 17, 63, 64, 65, 1000}) {
    std::vector<float> out(output_size(forest, 1000));
    for (std::size_t first = 0; first < 1000; first += size) {
      const std::size_t n = std::min<std::size_t>(size, 1000 - first);
      predict(forest, rows.view().slice(first, n), std::span(out).subspan(first * forest.n_groups));
    }
    CAPTURE(size);
    REQUIRE(difference(out, expected) == "");
  }
  std::vector<float> out(output_size(forest, 1000));
  for (std::size_t i = 0; i < 1000; ++i)
    predict_row(forest, rows.row(i), std::span(out).subspan(i * forest.n_groups, forest.n_groups));
  REQUIRE(difference(out, expected) == "");
}

TEST_CASE("rows may be part of a wider table") {
  Random random(kSeed, 2);
  const PlainModel model = random_model(random);
  const Forest forest = load_xgboost(to_json(model), "random");
  const FloatTable rows = random_rows(model, 40, random);
  FloatTable wide(rows.n_columns() + 3, 40);
  for (std::size_t i = 0; i < 40; ++i) std::copy(rows.row(i).begin(), rows.row(i).end(), wide.row(i).begin());
  BatchView view = wide.view();
  view.n_columns = rows.n_columns();
  REQUIRE(difference(margins(forest, view), margins(forest, rows.view())) == "");
}

TEST_CASE("prefix margins equal those of truncated models") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(kSeed + 1, seed);
    const PlainModel model = random_model(random, {.max_trees = 40, .with_groups = false});
    const FloatTable rows = random_rows(model, 100, random);
    const Forest forest = load_xgboost(to_json(model), "random");
    const std::size_t n = forest.n_trees();
    const std::vector<std::size_t> ends = {0, 1, 1, n / 2 + 1, n};
    std::vector<float> staged(rows.n_rows() * ends.size());
    predict_prefixes(forest, rows.view(), ends, staged);
    for (std::size_t stage = 0; stage < ends.size(); ++stage) {
      const auto expected = oracle::margins(truncated(model, ends[stage]), rows.view());
      std::vector<float> column;
      for (std::size_t i = 0; i < rows.n_rows(); ++i) column.push_back(staged[i * ends.size() + stage]);
      CAPTURE(seed, stage, describe(model));
      REQUIRE(difference(column, expected) == "");
      REQUIRE(difference(margins(forest, rows.view(), {.trees = {0, ends[stage]}}), expected) == "");
    }
  }
}

TEST_CASE("a range of trees starts at the base margin") {
  Random random(kSeed, 5);
  const PlainModel model = random_model(random, {.max_trees = 30, .with_groups = false});
  const FloatTable rows = random_rows(model, 20, random);
  PlainModel tail = model;
  tail.trees.erase(tail.trees.begin());
  const Forest forest = load_xgboost(to_json(model), "random");
  REQUIRE(difference(margins(forest, rows.view(), {.trees = {1, TreeRange::npos}}),
                     oracle::margins(tail, rows.view())) == "");
}

TEST_CASE("categories at the ends of their range go to the right side") {
  PlainModel model;
  model.trees = {{0,
                  {{1, 2, 0, 0.0f, false, {0, 31, 32, 16777215}, 2},
                   {-1, -1, 0, -1.0f, false, {}, 1},
                   {-1, -1, 0, 1.0f, false, {}, 1}}}};
  const Forest forest = load_xgboost(to_json(model), "categories");
  const auto goes_right = [&](float x) { return margins(forest, BatchView(&x, 1, 1))[0] > 0; };
  for (const float x : {0.0f, -0.0f, 0.99f, 31.0f, 32.5f, 16777215.0f}) CHECK(goes_right(x));
  for (const float x : {-0.5f, -1.0f, 1.0f, 30.0f, 33.0f, 16777214.0f, 16777216.0f, 3e38f, -3e38f})
    CHECK_FALSE(goes_right(x));
  CHECK_FALSE(goes_right(std::numeric_limits<float>::infinity()));
  CHECK(goes_right(std::numeric_limits<float>::quiet_NaN()));  // the split's default
}

TEST_CASE("one long path is walked to its end") {
  PlainModel model;
  PlainTree chain;
  chain.nodes.resize(1);
  // At each level, x < level leaves the chain.
  for (int level = 0; level < 500; ++level) {
    const auto at = chain.nodes.size() - 1;
    chain.nodes[at].left = static_cast<int>(chain.nodes.size());
    chain.nodes[at].right = chain.nodes[at].left + 1;
    chain.nodes[at].value = static_cast<float>(level);
    chain.nodes.resize(chain.nodes.size() + 2);
    chain.nodes[chain.nodes.size() - 2].value = static_cast<float>(level) * 0.5f;
  }
  model.trees = {chain};
  FloatTable rows(1, 600);
  for (std::size_t i = 0; i < 600; ++i) rows.row(i)[0] = static_cast<float>(i);
  REQUIRE(difference(margins(load_xgboost(to_json(model), "chain"), rows.view()),
                     oracle::margins(model, rows.view())) == "");
}

TEST_CASE("mismatched shapes are rejected before anything is written") {
  Random random(kSeed, 7);
  PlainModel model = random_model(random, {.max_features = 5, .with_groups = false});
  model.n_features = 5;
  const Forest forest = load_xgboost(to_json(model), "random");
  std::vector<float> cells(60), out(10);
  const BatchView good(cells.data(), 10, 5), narrow(cells.data(), 10, 4);
  const std::vector<std::size_t> falling = {1, 0}, beyond = {forest.n_trees() + 1};
  std::vector<std::int32_t> ids(1);

  CHECK(code_of([&] { predict(forest, narrow, out); }) == "shape.features");
  CHECK(code_of([&] { predict_row(forest, std::span(cells).first(6), out); }) == "shape.features");
  CHECK(code_of([&] { predict(forest, good, std::span(out).first(9)); }) == "shape.output");
  CHECK(code_of([&] { predict(forest, good, out, {.trees = {0, forest.n_trees() + 1}}); }) == "shape.trees");
  CHECK(code_of([&] { predict(forest, good, out, {.trees = {1, 0}}); }) == "shape.trees");
  CHECK(code_of([&] { predict_prefixes(forest, good, falling, out); }) == "shape.trees");
  CHECK(code_of([&] { predict_prefixes(forest, good, beyond, out); }) == "shape.trees");
  CHECK(code_of([&] { leaf_ids(forest, narrow, ids); }) == "shape.features");
  CHECK(code_of([&] { leaf_ids(forest, good, ids); }) == (forest.n_trees() * 10 > 1 ? "shape.output" : "no error"));
  CHECK(out == std::vector<float>(10));
  CHECK(code_of([&] { predict(forest, BatchView(cells.data(), 0, 5), {}); }) == "no error");
}

TEST_CASE("predictions of links stay within their ranges") {
  Forest forest;
  std::vector<float> margins = {-1000, -90, 0, 3, 90, 1000};
  forest.link = Link::logistic;
  apply_link(forest, margins);
  CHECK(margins[2] == 0.5f);
  CHECK(margins[3] == Approx(1 / (1 + std::exp(-3.0))));
  for (const float p : margins) CHECK((p >= 0.0f && p <= 1.0f));

  forest.link = Link::softmax;
  forest.n_groups = 3;
  std::vector<float> groups = {1, 2, 3, 500, -500, 500};
  apply_link(forest, groups);
  CHECK(groups[0] + groups[1] + groups[2] == Approx(1));
  CHECK(groups[2] / groups[1] == Approx(std::exp(1.0)));
  CHECK(groups[3] == 0.5f);
  CHECK(code_of([&] { apply_link(forest, std::span(groups).first(4)); }) == "shape.groups");
}
