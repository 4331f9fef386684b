#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/saabas.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/tree_shap.h"
#include "support/catch.h"
#include "support/random_forest.h"

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::test;
using nlohmann::json;

namespace {

/// Two features. Tree 0: a numeric split with a categorical split as its right child.
PlainModel small_model() {
  PlainModel model;
  model.n_features = 2;
  PlainTree tree{0,
                 {{1, 2, 0, 0.5f, true, {}, 4},
                  {-1, -1, 0, -1.0f, false, {}, 1},
                  {3, 4, 1, 0.0f, false, {1, 7}, 3},
                  {-1, -1, 0, 1.0f, false, {}, 1},
                  {-1, -1, 0, 2.0f, false, {}, 2}}};
  model.trees = {tree, tree};
  return model;
}

struct Fault {
  const char* pointer;
  const char* value;  // JSON; "" removes the field
  const char* code;
  const char* message;  // a part of it
};

const std::string kModel = "/learner/gradient_booster/model";

constexpr Fault kFaults[] = {
    {"/learner", "", "forest.field", "\"learner\" is missing"},
    {"/learner", "[]", "forest.field", "at /learner"},
    {"/version", "[]", "forest.field", "/version"},
    {"/version", "[1.5]", "forest.field", "/version"},
    {"/learner/objective/name", R"("reg:mine")", "forest.objective", "reg:mine"},
    {"/learner/gradient_booster/name", R"("dart")", "forest.field", "\"gbtree\" is missing"},
    {"/learner/gradient_booster/name", R"("gblinear")", "forest.field", "\"weights\" is missing"},
    {"/learner/gradient_booster/name", R"("gbforest")", "forest.unsupported", "gbforest"},
    {"/learner/gradient_booster/model/weight_drop", "[1]", "forest.field", "weight_drop"},
    {"/learner/gradient_booster/model/cats", R"({"enc":[{"offsets":[0],"values":[]}]})", "forest.field", "2"},
    {"/learner/gradient_booster/model/cats", R"({"enc":[{"offsets":[0,9],"values":[65]},{"values":[]}]})",
     "forest.field", "offset 1"},
    {"/learner/gradient_booster/model/iteration_indptr", "[0,1]", "forest.field", "iteration_indptr"},
    {"/learner/gradient_booster/model/iteration_indptr", "[0,2,1,2]", "forest.field", "iteration_indptr"},
    {"/learner/gradient_booster/model/gbtree_model_param/num_parallel_tree", R"("-1")", "forest.field",
     "num_parallel_tree"},
    {"/learner/learner_model_param/num_feature", R"("0")", "forest.field", "num_feature"},
    {"/learner/learner_model_param/num_feature", R"("-3")", "forest.field", "num_feature"},
    {"/learner/learner_model_param/num_feature", R"("99999999999999999999")", "forest.field", "num_feature"},
    {"/learner/learner_model_param/num_feature", R"("1")", "forest.tree", "tree 0, node 2: feature 1"},
    {"/learner/learner_model_param/num_class", R"("1000000000000")", "forest.field", "groups"},
    {"/learner/feature_names", R"(["one"])", "forest.field", "feature_names"},
    {"/learner/feature_names", "[1,2]", "forest.field", "/learner/feature_names/0"},
    {"/learner/gradient_booster/model/trees", "[]", "forest.field", "num_trees is 2"},
    {"/learner/gradient_booster/model/trees", "{}", "forest.field", "expected an array"},
    {"/learner/gradient_booster/model/tree_info", "[0]", "forest.field", "tree_info"},
    {"/learner/gradient_booster/model/tree_info", "[0,1]", "forest.tree", "tree 1 adds to group 1"},
    {"/learner/gradient_booster/model/tree_info", "[-1,0]", "forest.tree", "group -1"},
    {"/learner/gradient_booster/model/gbtree_model_param/num_trees", R"("3")", "forest.field", "num_trees"},
    {"/learner/gradient_booster/model/trees/1", "5", "forest.field", "trees/1"},
    {"/learner/gradient_booster/model/trees/1/left_children", "", "forest.field", "left_children"},
    {"/learner/gradient_booster/model/trees/1/left_children", "[]", "forest.field", "tree 1 has no nodes"},
    {"/learner/gradient_booster/model/trees/1/right_children", "[2,-1,4]", "forest.field", "elements"},
    {"/learner/gradient_booster/model/trees/1/split_conditions/0", "null", "forest.field", "element 0 is not a number"},
    {"/learner/gradient_booster/model/trees/1/split_indices/0", "0.5", "forest.field", "element 0 is not an integer"},
    {"/learner/gradient_booster/model/trees/1/tree_param/num_nodes", R"("7")", "forest.field", "num_nodes is 7"},
    {"/learner/gradient_booster/model/trees/1/tree_param/size_leaf_vector", R"("3")", "forest.field",
     "its leaves have 3 values"},
    {"/learner/gradient_booster/model/trees/1/left_children/2", "0", "forest.tree",
     "tree 1, node 2: child 0 is reached twice"},
    {"/learner/gradient_booster/model/trees/1/left_children/2", "2", "forest.tree",
     "tree 1, node 2: child 2 is reached twice"},
    {"/learner/gradient_booster/model/trees/1/left_children/2", "1", "forest.tree", "reached twice"},
    {"/learner/gradient_booster/model/trees/1/left_children/2", "5", "forest.tree", "child 5 is outside"},
    {"/learner/gradient_booster/model/trees/1/right_children/2", "-2", "forest.tree", "child -2 is outside"},
    {"/learner/gradient_booster/model/trees/1/right_children/2", "9223372036854775807", "forest.tree", "outside"},
    {"/learner/gradient_booster/model/trees/1/right_children/3", "4", "forest.tree", "right child but no left child"},
    {"/learner/gradient_booster/model/trees/1/split_indices/0", "2", "forest.tree", "tree 1, node 0: feature 2"},
    {"/learner/gradient_booster/model/trees/1/split_indices/0", "-1", "forest.tree", "feature -1"},
    {"/learner/gradient_booster/model/trees/1/split_type/0", "2", "forest.tree", "split type 2"},
    {"/learner/gradient_booster/model/trees/1/split_type/0", "1", "forest.tree", "without categories"},
    {"/learner/gradient_booster/model/trees/1/categories_nodes", "[9]", "forest.tree", "outside of the tree"},
    {"/learner/gradient_booster/model/trees/1/categories_sizes", "[3]", "forest.tree", "category set"},
    {"/learner/gradient_booster/model/trees/1/categories_sizes", "[0]", "forest.tree", "category set"},
    {"/learner/gradient_booster/model/trees/1/categories_segments", "[-1]", "forest.tree", "category set"},
    {"/learner/gradient_booster/model/trees/1/categories_segments", "[0,0]", "forest.field", "differ in length"},
    {"/learner/gradient_booster/model/trees/1/categories", "[1,16777216]", "forest.tree", "category 16777216"},
    {"/learner/gradient_booster/model/trees/1/categories", "[1,-1]", "forest.tree", "category -1"},
};

std::string attribution_code(const Forest& forest, BatchView rows) {
  std::vector<double> phi(attribution_size(forest, rows.n_rows));
  try {
    tree_shap(forest, rows, phi);
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

/// Loads a model; every loaded model must be safe to use.
void load_and_use(const std::string& text) {
  const Forest forest = load_xgboost(text, "fuzz.json");
  if (forest.n_features > 1000) return;
  FloatTable rows(forest.n_features, 9);
  std::vector<float> margins(output_size(forest, 9));
  std::vector<std::int32_t> leaves(9 * forest.n_trees());
  predict(forest, rows.view(), margins);
  leaf_ids(forest, rows.view(), leaves);
  const std::string code = attribution_code(forest, rows.view());
  REQUIRE((code.empty() || code == "attribution.not_finite"));
}

}  // namespace

TEST_CASE("a malformed model is rejected with file, place and cause") {
  const json good = json::parse(to_json(small_model()));
  REQUIRE_NOTHROW(load_and_use(good.dump()));
  for (const Fault& fault : kFaults) {
    json bad = good;
    const json::json_pointer pointer(fault.pointer);
    if (std::string_view(fault.value).empty())
      bad.at(pointer.parent_pointer()).erase(pointer.back());
    else
      bad[pointer] = json::parse(fault.value);
    CAPTURE(fault.pointer, fault.value);
    try {
      load_xgboost(bad.dump(), "bad.json");
      FAIL("it was loaded");
    } catch (const Error& error) {
      CAPTURE(error.message());
      CHECK(error.code() == fault.code);
      CHECK(error.message().find(fault.message) != std::string::npos);
      CHECK(error.message().starts_with("bad.json"));
    }
  }
}

TEST_CASE("a file truncated anywhere is rejected") {
  const std::string text = to_json(small_model());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    try {
      load_xgboost(std::string_view(text).substr(0, size), "cut.json");
      FAIL("it was loaded");
    } catch (const Error& error) {
      REQUIRE(error.code() == "forest.json");
    }
  }
}

TEST_CASE("a changed byte gives an error or a forest that can be walked") {
  const std::string good = to_json(small_model());
  constexpr std::string_view kBytes = "0123456789-+.eE[]{},:\"\\ntNI\0\xff";
  Random random(20260303);
  for (int trial = 0; trial < 4000; ++trial) {
    std::string text = good;
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes)
      text[random.below(text.size())] = kBytes[random.below(kBytes.size())];
    try {
      load_and_use(text);
    } catch (const Error& error) {
      REQUIRE(error.code().starts_with("forest."));
    }
  }
}

TEST_CASE("a tree of any depth is walked, and Shapley values of a tree too deep for the stack are rejected") {
  PlainModel model = small_model();
  PlainTree chain{0, {{}}};
  for (int level = 0; level < 200000; ++level) {  // values below the level leave the chain there
    const int left = static_cast<int>(chain.nodes.size());
    chain.nodes.back() = {left, left + 1, 0, static_cast<float>(level), true, {}, 1};
    chain.nodes.push_back({-1, -1, 0, static_cast<float>(-level), false, {}, 1});
    chain.nodes.emplace_back();
  }
  model.trees.push_back(chain);
  const Forest forest = load_xgboost(to_json(model), "deep.json");
  CHECK(forest.trees[2].depth == 200000);
  FloatTable rows(2, 70);
  for (std::size_t i = 0; i < 70; ++i) rows.row(i)[0] = static_cast<float>(2900 * i);
  std::vector<float> margins(70);
  predict(forest, rows.view(), margins);
  CHECK(difference(margins, oracle::margins(model, rows.view())) == "");
  CHECK(attribution_code(forest, rows.view()) == "attribution.depth");
  CHECK_THROWS_AS(ShapTables(forest), Error);
  std::vector<double> phi(attribution_size(forest, 70));
  saabas(forest, rows.view(), phi);
}

TEST_CASE("deep nesting does not exhaust the stack") {
  CHECK_THROWS_AS(load_xgboost(std::string(1000000, '['), "nested.json"), Error);
  CHECK_THROWS_AS(load_xgboost(std::string(1000000, '[') + std::string(1000000, ']'), "nested.json"), Error);
}
