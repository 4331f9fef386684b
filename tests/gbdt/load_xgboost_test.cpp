#include "sluice/gbdt/load_xgboost.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/random_forest.h"
#include "support/temp_dir.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;
using nlohmann::json;

namespace {

PlainModel stump(const std::string& objective, const std::string& base_score, std::vector<int> version) {
  PlainModel model;
  model.objective = objective;
  model.base_score = base_score;
  model.version = std::move(version);
  model.trees = {
      {0, {{1, 2, 0, 0.5f, true, {}, 2}, {-1, -1, 0, -1.0f, false, {}, 1}, {-1, -1, 0, 1.0f, false, {}, 1}}}};
  return model;
}

float base_margin(const std::string& objective, const std::string& base_score, std::vector<int> version = {1, 7, 4}) {
  return load_xgboost(to_json(stump(objective, base_score, std::move(version))), "stump").base_margin.at(0);
}

std::string code_of(const std::string& objective, const std::string& base_score, std::vector<int> version = {1, 7, 4}) {
  try {
    base_margin(objective, base_score, std::move(version));
  } catch (const Error& error) {
    return error.code();
  }
  return "no error";
}

float logit(float p) { return -std::log(1.0f / p - 1.0f); }

}  // namespace

TEST_CASE("base_score is interpreted by the file's version") {
  CHECK(base_margin("binary:logistic", "5E-1", {1, 0, 0}) == 0.0f);
  CHECK(base_margin("binary:logistic", "2.5E-1", {1, 7, 4}) == logit(0.25f));
  CHECK(base_margin("binary:logistic", "[2.5E-1]", {3, 1, 0}) == logit(0.25f));
  CHECK(base_margin("binary:logitraw", "2.5E-1", {1, 3, 0}) == logit(0.25f));
  CHECK(base_margin("binary:logitraw", "2.5E-1", {1, 3, 1}) == 0.25f);
  CHECK(base_margin("count:poisson", "2.5E-1") == std::log(0.25f));
  CHECK(base_margin("survival:cox", "1") == 0.0f);
  CHECK(base_margin("reg:squarederror", "-3.5") == -3.5f);
  CHECK(base_margin("rank:pairwise", "5E-1") == 0.5f);
}

TEST_CASE("base_score of 1.0 files is not clamped, of 3.x files it is") {
  CHECK(base_margin("binary:logistic", "1E-9", {1, 0, 0}) == logit(1e-9f));
  CHECK(base_margin("binary:logistic", "1E-9", {3, 0, 0}) == logit(1e-6f));
  CHECK(base_margin("binary:logistic", "1", {3, 0, 0}) == logit(1.0f - 1e-6f));
}

TEST_CASE("a base_score without a margin is rejected") {
  for (const char* text : {"0", "1", "-1", "2"}) CHECK(code_of("binary:logistic", text) == "forest.base_score");
  for (const char* text : {"", "[]", "x", "5E-1x", "[5E-1", "nan", "inf", "[1,2]", "1,", "[1,,2]"})
    CHECK(code_of("reg:squarederror", text) == "forest.base_score");
  for (const char* text : {"-1", "2"}) CHECK(code_of("binary:logistic", text, {3, 0, 0}) == "forest.base_score");
}

TEST_CASE("a base_score of 0 under a logarithm gives a margin of -inf, as in XGBoost") {
  CHECK(base_margin("count:poisson", "[0E0]", {3, 2, 0}) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(base_margin("reg:tweedie", "-1E0", {2, 1, 0})));
}

TEST_CASE("base_score may have one value per group") {
  PlainModel model = stump("multi:softprob", "[1E-1,2E-1,7E-1]", {3, 1, 0});
  model.n_groups = 3;
  model.trees.assign(3, model.trees[0]);
  for (int group = 0; group < 3; ++group) model.trees[static_cast<std::size_t>(group)].group = group;
  CHECK(load_xgboost(to_json(model), "multi").base_margin == std::vector<float>{0.1f, 0.2f, 0.7f});
  model.base_score = "[1E-1]";
  CHECK(load_xgboost(to_json(model), "multi").base_margin == std::vector<float>{0.1f, 0.1f, 0.1f});
}

TEST_CASE("numbers are read straight to float32, also integers") {
  // Just above the midpoint between 1 and the next float32. Read as a double it rounds to the midpoint, and from there
  // to 1.
  json document = json::parse(to_json(stump("reg:squarederror", "0", {1, 7, 4})));
  std::string text = document.dump();
  const std::string from = "\"split_conditions\":[0.5,-1.0,1.0]",
                    to = "\"split_conditions\":[1.00000005960464477540,-1,1]";
  REQUIRE(text.find(from) != text.npos);
  text.replace(text.find(from), from.size(), to);
  const Forest forest = load_xgboost(text, "m");
  CHECK(forest.nodes[0].value == std::nextafter(1.0f, 2.0f));
  CHECK(forest.nodes[1].value == -1.0f);
}

TEST_CASE("NaN and Infinity are read as numbers, and are unchanged in names") {
  PlainModel model = stump("reg:squarederror", "0", {1, 7, 4});
  model.trees[0].nodes[0].value = -std::numeric_limits<float>::infinity();
  model.trees[0].nodes[1].cover = std::numeric_limits<float>::quiet_NaN();
  std::string text = to_json(model);
  const std::string names = "\"feature_names\":[]";
  text.replace(text.find(names), names.size(), R"("feature_names":["NaN \" -Infinity"])");
  const Forest forest = load_xgboost(text, "m");
  CHECK(forest.nodes[0].value == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(forest.cover[1]));
  CHECK(forest.feature_names == std::vector<std::string>{"NaN \" -Infinity"});
}

TEST_CASE("files of 1.0, without split types and categories, with true and false, load") {
  PlainModel model = stump("binary:logistic", "5E-1", {1, 0, 0});
  model.bool_defaults = true;
  json document = json::parse(to_json(model));
  auto& tree = document["learner"]["gradient_booster"]["model"]["trees"][0];
  for (const char* key : {"split_type", "categories", "categories_nodes", "categories_segments", "categories_sizes"})
    tree.erase(key);
  document["learner"].erase("feature_names");
  document["learner"].erase("feature_types");
  const Forest forest = load_xgboost(document.dump(), "old");
  CHECK_FALSE(forest.nodes[0].default_right());
  CHECK(forest.trees[0].depth == 1);
  CHECK(forest.n_features == 1);
}

TEST_CASE("the file's metadata is kept") {
  json document = json::parse(to_json(stump("binary:logistic", "5E-1", {1, 7, 4})));
  document["learner"]["attributes"]["best_iteration"] = "17";
  document["learner"]["feature_names"] = {"income"};
  document["learner"]["feature_types"] = {"q"};
  const Forest forest = load_xgboost(document.dump(), "m");
  CHECK(forest.best_iteration == 17u);
  CHECK(forest.feature_names == std::vector<std::string>{"income"});
  CHECK(forest.feature_types == std::vector<std::string>{"q"});
  CHECK(forest.objective == "binary:logistic");
  CHECK(forest.link == Link::logistic);
  CHECK(forest.memory_bytes() > 0);
}

TEST_CASE("a forest is read from its file") {
  const TempDir folder;
  Random random(4);
  const PlainModel model = random_model(random);
  write_file(folder / "model.json", to_json(model));
  CHECK(load_forest(folder / "model.json").n_trees() == model.trees.size());
  CHECK_THROWS_AS(load_forest(folder / "absent.json"), Error);
}
