#include "sluice/gbdt/load_xgboost.h"

#include <algorithm>
#include <charconv>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/gbdt/kernels/binned_forest.h"  // IWYU pragma: keep
#include "sluice/gbdt/load/load_categories.h"
#include "sluice/gbdt/load/load_objective.h"
#include "sluice/gbdt/load/load_tree.h"
#include "sluice/gbdt/load/xgboost_json.h"
#include "sluice/gbdt/load_lightgbm.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

constexpr std::size_t kMaxPrepared = 1 << 20;  // features: what is prepared has an entry for each
constexpr std::size_t kMaxGroups = 65536;      // outputs per row: bounds the memory that a damaged count can request

/// The parts of "gradient_booster" that contain trees, in each of their layouts.
struct TreeBooster {
  ModelValue model;
  std::vector<float> weights;  // DART's, one per tree; empty for none
};

/// Before 3.3 DART wraps gbtree; since 3.3 it is gbtree with weights.
TreeBooster tree_booster(const ModelValue& booster) {
  const std::string name = booster["name"].text();
  if (name == "dart") return {booster["gbtree"]["model"], booster["weight_drop"].floats()};
  if (name != "gbtree")
    throw Error("forest.unsupported", std::string(booster.source()) + ": the booster \"" + name + "\" is unknown",
                "use gbtree, dart or gblinear");
  const ModelValue model = booster["model"];
  return {model, model.has("weight_drop") ? model["weight_drop"].floats() : std::vector<float>()};
}

void check_trees(const TreeBooster& booster, std::size_t n_trees, std::size_t n_listed) {
  const ModelValue param = booster.model["gbtree_model_param"];
  if (param.has("num_trees") && param["num_trees"].count() != n_trees)
    param.fail("num_trees is " + param["num_trees"].text() + ", but the file has " + std::to_string(n_trees) +
               " trees");
  if (n_listed != n_trees) booster.model["tree_info"].fail("expected one element per tree");
  if (!booster.weights.empty() && booster.weights.size() != n_trees)
    booster.model.fail("weight_drop has " + std::to_string(booster.weights.size()) +
                       " elements, expected one per tree");
}

/// `first` is each file tree's first tree in the forest, then the number of trees.
void load_iterations(const ModelValue& model, const std::vector<std::uint32_t>& first, Forest& forest) {
  const std::size_t n_trees = first.size() - 1;
  std::vector<std::int64_t> ends;
  if (model.has("iteration_indptr")) ends = model["iteration_indptr"].integers();
  if (ends.size() < 2) {
    const bool has_vectors = forest.trees.size() > n_trees;
    const std::size_t n_parallel = std::min(forest.n_parallel_trees, n_trees);
    const std::size_t step = n_parallel * (has_vectors ? 1 : forest.n_groups);
    ends = {0};
    while (static_cast<std::size_t>(ends.back()) < n_trees)
      ends.push_back(static_cast<std::int64_t>(std::min(n_trees, static_cast<std::size_t>(ends.back()) + step)));
  }
  if (ends.front() != 0 || static_cast<std::size_t>(ends.back()) != n_trees ||
      !std::is_sorted(ends.begin(), ends.end()))
    model.fail("iteration_indptr does not ascend from 0 to the " + std::to_string(n_trees) + " trees");
  for (const std::int64_t end : ends) forest.iteration_first.push_back(first[static_cast<std::size_t>(end)]);
}

void load_trees(const TreeBooster& booster, Forest& forest) {
  const ModelValue& model = booster.model;
  const std::vector<ModelValue> trees = model["trees"].elements();
  const std::vector<std::int64_t> groups = model["tree_info"].integers();
  const ModelValue param = model["gbtree_model_param"];
  // In a model saved before its first round, this may be above the number of trees.
  if (param.has("num_parallel_tree"))
    forest.n_parallel_trees = std::max<std::size_t>(1, param["num_parallel_tree"].count());
  check_trees(booster, trees.size(), groups.size());

  std::vector<std::uint32_t> first = {0};
  for (std::size_t t = 0; t < trees.size(); ++t) {
    if (groups[t] < 0 || static_cast<std::size_t>(groups[t]) >= forest.n_groups)
      throw Error("forest.tree", std::string(model.source()) + ": tree " + std::to_string(t) + " adds to group " +
                                     std::to_string(groups[t]) + " of " + std::to_string(forest.n_groups));
    const float weight = booster.weights.empty() ? 1.0f : booster.weights[t];
    append_tree(trees[t], {static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(groups[t]), weight}, forest);
    first.push_back(static_cast<std::uint32_t>(forest.trees.size()));
  }
  load_iterations(model, first, forest);
  if (model.has("cats")) load_categories(model["cats"], forest);
}

void load_linear(const ModelValue& model, Forest& forest) {
  forest.linear = model["weights"].floats();
  // XGBoost 3.1+ has one base_score per group, and predicts every group of gblinear with the first.
  forest.base_margin.assign(forest.n_groups, forest.base_margin[0]);
  // A model saved before its first round has none: it predicts its base margin, like a model without trees.
  if (!forest.linear.empty() && forest.linear.size() != (forest.n_features + 1) * forest.n_groups)
    model.fail(std::to_string(forest.linear.size()) + " weights, expected " +
               std::to_string((forest.n_features + 1) * forest.n_groups));
}

void load_features(const ModelValue& learner, Forest& forest) {
  const ModelValue param = learner["learner_model_param"];
  forest.n_features = param["num_feature"].count();
  if (forest.n_features == 0 || forest.n_features > 0x7fffffff)
    param["num_feature"].fail("expected 1 to 2^31 - 1 features");
  if (learner.has("feature_names")) forest.feature_names = learner["feature_names"].texts();
  if (learner.has("feature_types")) forest.feature_types = learner["feature_types"].texts();
  for (const auto* texts : {&forest.feature_names, &forest.feature_types})
    if (!texts->empty() && texts->size() != forest.n_features)
      learner.fail("feature_names and feature_types must have num_feature elements or none");
}

/// An ordinary attribute: a caller may have set it to a text that is not a number.
void load_best_iteration(const ModelValue& learner, Forest& forest) {
  if (!learner.has("attributes") || !learner["attributes"].has("best_iteration")) return;
  const std::string text = learner["attributes"]["best_iteration"].text();
  std::size_t round = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), round);
  if (error == std::errc() && end == text.data() + text.size()) forest.best_iteration = round;
}

void load_groups(const ModelValue& param, Forest& forest) {
  for (const char* key : {"num_class", "num_target"})
    if (param.has(key)) forest.n_groups = std::max(forest.n_groups, param[key].count());
  if (forest.n_groups > kMaxGroups)
    param.fail(std::to_string(forest.n_groups) + " groups exceed the limit of " + std::to_string(kMaxGroups) + "");
}

void refuse_binary(std::string_view bytes, std::string_view source) {
  const bool has_magic = bytes.starts_with("binf") || bytes.starts_with("bs64");
  // No magic number: base_score's four bytes come first, and zero bytes follow. JSON has none; UBJSON opens a brace.
  if (has_magic || (!bytes.empty() && bytes[0] != '{' && bytes.substr(0, 64).find('\0') != std::string_view::npos))
    throw Error("forest.json", std::string(source) + ": XGBoost's old binary format is not supported",
                "load it in the XGBoost that wrote it and save it with save_model(\"model.ubj\")");
}

}  // namespace

Forest load_xgboost(std::string_view bytes, std::string_view source) {
  refuse_binary(bytes, source);
  const ModelNode document = parse_model(bytes, source);
  const ModelValue root(document, source);
  const ModelValue learner = root["learner"], booster = learner["gradient_booster"];

  Forest forest;
  load_objective(learner, forest);
  load_features(learner, forest);
  load_groups(learner["learner_model_param"], forest);
  forest.category_sets.emplace_back();
  forest.category_words.push_back(0);
  load_base_margin(root, forest);
  if (booster["name"].text() == "gblinear")
    load_linear(booster["model"], forest);
  else
    load_trees(tree_booster(booster), forest);
  load_best_iteration(learner, forest);
  if (forest.n_features <= kMaxPrepared) prepare(forest);
  return forest;
}

Forest load_forest(std::string_view bytes, std::string_view source) {
  return is_lightgbm(bytes) ? load_lightgbm(bytes, source) : load_xgboost(bytes, source);
}

Forest load_forest(const std::filesystem::path& path) { return load_forest(read_file(path), path.string()); }

std::size_t Forest::memory_bytes() const {
  return nodes.size() * (sizeof(Node) + sizeof(float) + sizeof(std::int32_t)) + trees.size() * sizeof(Tree) +
         category_sets.size() * sizeof(CategorySet) + category_words.size() * sizeof(std::uint32_t) +
         linear.size() * sizeof(float) + exact_values.size() * sizeof(double) +
         linear_leaves.size() * sizeof(LinearLeaf) + linear_terms.size() * sizeof(LinearTerm) +
         (binned ? binned->memory_bytes() : 0);
}

}  // namespace sluice::gbdt
