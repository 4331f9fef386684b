#include "sluice/gbdt/load_xgboost.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/gbdt/binned_forest.h"
#include "sluice/gbdt/load_tree.h"
#include "sluice/gbdt/xgboost_json.h"

namespace sluice::gbdt {
namespace {

/// How base_score, which is stored as a prediction, becomes a margin.
enum class InverseLink { identity, logit, log };

struct Objective {
  std::string_view name;
  Link link;
  InverseLink inverse;
};

constexpr std::array kObjectives = {
    Objective{"binary:logistic", Link::logistic, InverseLink::logit},
    Objective{"reg:logistic", Link::logistic, InverseLink::logit},
    Objective{"binary:logitraw", Link::identity, InverseLink::identity},
    Objective{"binary:hinge", Link::hinge, InverseLink::identity},
    Objective{"multi:softprob", Link::softmax, InverseLink::identity},
    Objective{"multi:softmax", Link::softmax, InverseLink::identity},
    Objective{"count:poisson", Link::exponential, InverseLink::log},
    Objective{"reg:gamma", Link::exponential, InverseLink::log},
    Objective{"reg:tweedie", Link::exponential, InverseLink::log},
    Objective{"survival:cox", Link::exponential, InverseLink::log},
    Objective{"survival:aft", Link::exponential, InverseLink::log},
    Objective{"reg:squarederror", Link::identity, InverseLink::identity},
    Objective{"reg:linear", Link::identity, InverseLink::identity},
    Objective{"reg:squaredlogerror", Link::identity, InverseLink::identity},
    Objective{"reg:pseudohubererror", Link::identity, InverseLink::identity},
    Objective{"reg:absoluteerror", Link::identity, InverseLink::identity},
    Objective{"reg:quantileerror", Link::identity, InverseLink::identity},
    Objective{"rank:pairwise", Link::identity, InverseLink::identity},
    Objective{"rank:ndcg", Link::identity, InverseLink::identity},
    Objective{"rank:map", Link::identity, InverseLink::identity},
};

const Objective& objective_of(const ModelValue& learner) {
  const ModelValue name = learner["objective"]["name"];
  const auto is_named = [text = name.text()](const Objective& objective) { return objective.name == text; };
  const auto found = std::find_if(kObjectives.begin(), kObjectives.end(), is_named);
  if (found == kObjectives.end())
    throw Error("forest.objective", std::string(name.source()) + ": the objective \"" + name.text() + "\" is unknown",
                "a link for its margins must be known; train with one of XGBoost's own objectives");
  return *found;
}

using Version = std::vector<std::int64_t>;  // compares as versions do

Version version_of(const ModelValue& model) {
  if (!model.has("version")) return {1, 0, 0};
  Version version = model["version"].integers();
  if (version.empty() || version[0] < 1) model["version"].fail("a version of 1.0 or later is expected");
  return version;
}

/// In float32 and in XGBoost's own operations: a margin differs by its last bit otherwise.
float to_margin(float base_score, InverseLink inverse, const Version& version, const ModelValue& place) {
  const auto refuse = [&](const char* range) {
    throw Error("forest.base_score",
                std::string(place.source()) + ": base_score " + place.text() + " is outside of " + range);
  };
  if (!std::isfinite(base_score)) refuse("the finite numbers");
  if (inverse == InverseLink::log) {
    if (!(base_score > 0.0f)) refuse("(0, inf), which its objective needs");
    return std::log(base_score);
  }
  if (inverse == InverseLink::logit) {
    // XGBoost clamps since 3.0; for older files it refuses to predict.
    if (version >= Version{3}) base_score = std::clamp(base_score, 1e-6f, 1.0f - 1e-6f);
    if (!(base_score > 0.0f && base_score < 1.0f)) refuse("(0, 1), which its objective needs");
    return -std::log(1.0f / base_score - 1.0f);
  }
  return base_score;
}

/// "5E-1" until 3.0; "[5E-1]" or one value a group since 3.1.
std::vector<float> base_scores(const ModelValue& place) {
  const std::string text = place.text();
  std::string_view rest = text;
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  std::vector<float> out;
  while (true) {
    float value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc()) break;
    out.push_back(value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.empty()) return out;
    if (rest[0] != ',') break;
    rest.remove_prefix(1);
  }
  throw Error("forest.base_score", std::string(place.source()) + ": base_score \"" + text + "\" is no number");
}

void load_base_margin(const ModelValue& place, const Objective& objective, const Version& version, Forest& forest) {
  // Until 1.3.0 binary:logitraw took its base_score for a probability.
  const bool raw_is_logit = objective.name == "binary:logitraw" && version < Version{1, 3, 1};
  const InverseLink inverse = raw_is_logit ? InverseLink::logit : objective.inverse;
  const std::vector<float> scores = base_scores(place);
  if (scores.size() != 1 && scores.size() != forest.n_groups)
    throw Error("forest.base_score", std::string(place.source()) + ": base_score has " + std::to_string(scores.size()) +
                                         " values, the model has " + std::to_string(forest.n_groups) + " groups");
  for (std::size_t group = 0; group < forest.n_groups; ++group)
    forest.base_margin.push_back(to_margin(scores[scores.size() == 1 ? 0 : group], inverse, version, place));
}

/// The gradient booster's "model", where it is one whose margins are plain sums of leaves.
ModelValue tree_model(const ModelValue& learner) {
  const ModelValue booster = learner["gradient_booster"];
  const std::string name = booster["name"].text(), source(learner.source());
  if (name != "gbtree")
    throw Error("forest.unsupported", source + ": the booster \"" + name + "\" is not read",
                "train with booster=gbtree");
  const ModelValue model = booster["model"];
  if (model.has("weight_drop") && !model["weight_drop"].floats().empty())
    throw Error("forest.unsupported", source + ": the booster \"dart\" is not read", "train with booster=gbtree");
  if (model.has("cats") && model["cats"].has("enc") && !model["cats"]["enc"].elements().empty())
    throw Error("forest.unsupported", source + ": categories are stored as texts", "train on category codes");
  return model;
}

void load_trees(const ModelValue& model, Forest& forest) {
  const std::vector<ModelValue> trees = model["trees"].elements();
  const std::vector<std::int64_t> groups = model["tree_info"].integers();
  const ModelValue param = model["gbtree_model_param"];
  const std::string source(model.source());
  if (param.has("num_parallel_tree"))
    forest.n_parallel_trees = std::max<std::size_t>(1, param["num_parallel_tree"].count());
  if (trees.empty()) throw Error("forest.no_trees", source + ": the model has no trees");
  if (param.has("num_trees") && param["num_trees"].count() != trees.size())
    param.fail("num_trees says " + param["num_trees"].text() + ", the file holds " + std::to_string(trees.size()) +
               " trees");
  if (groups.size() != trees.size()) model["tree_info"].fail("one element a tree is expected");
  if (forest.n_groups > trees.size())
    model.fail(std::to_string(forest.n_groups) + " groups and only " + std::to_string(trees.size()) + " trees");

  forest.category_sets.emplace_back();
  forest.category_words.push_back(0);
  for (std::size_t t = 0; t < trees.size(); ++t) {
    if (groups[t] < 0 || static_cast<std::size_t>(groups[t]) >= forest.n_groups)
      throw Error("forest.tree", source + ": tree " + std::to_string(t) + " adds to group " +
                                     std::to_string(groups[t]) + " of " + std::to_string(forest.n_groups));
    append_tree(trees[t], static_cast<std::uint32_t>(groups[t]), forest);
  }
}

void load_features(const ModelValue& learner, Forest& forest) {
  const ModelValue param = learner["learner_model_param"];
  forest.n_features = param["num_feature"].count();
  if (forest.n_features == 0 || forest.n_features > 0x7fffffff)
    param["num_feature"].fail("1 to 2^31 - 1 features are expected");
  if (learner.has("feature_names")) forest.feature_names = learner["feature_names"].texts();
  if (learner.has("feature_types")) forest.feature_types = learner["feature_types"].texts();
  for (const auto* texts : {&forest.feature_names, &forest.feature_types})
    if (!texts->empty() && texts->size() != forest.n_features)
      learner.fail("feature_names and feature_types must have num_feature elements or none");
}

}  // namespace

Forest load_xgboost(std::string_view json, std::string_view source) {
  const FloatJson document = parse_model(json, source);
  const ModelValue root(document, source);
  const ModelValue learner = root["learner"], param = learner["learner_model_param"];
  const Objective& objective = objective_of(learner);

  Forest forest;
  forest.objective = objective.name;
  forest.link = objective.link;
  load_features(learner, forest);
  for (const char* key : {"num_class", "num_target"})
    if (param.has(key)) forest.n_groups = std::max(forest.n_groups, param[key].count());
  load_trees(tree_model(learner), forest);
  load_base_margin(param["base_score"], objective, version_of(root), forest);
  if (learner.has("attributes") && learner["attributes"].has("best_iteration"))
    forest.best_iteration = learner["attributes"]["best_iteration"].count();
  forest.binned = bin_forest(forest);
  return forest;
}

Forest load_forest(const std::filesystem::path& path) { return load_xgboost(read_file(path), path.string()); }

std::size_t Forest::memory_bytes() const {
  return nodes.size() * (sizeof(Node) + sizeof(float) + sizeof(std::int32_t)) + trees.size() * sizeof(Tree) +
         category_sets.size() * sizeof(CategorySet) + category_words.size() * sizeof(std::uint32_t);
}

}  // namespace sluice::gbdt
