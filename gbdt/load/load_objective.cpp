#include "sluice/gbdt/load/load_objective.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sluice/base/error.h"

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
    Objective{"reg:expectileerror", Link::identity, InverseLink::identity},
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
                "the link of its margins must be known; train with one of XGBoost's own objectives");
  return *found;
}

using Version = std::vector<std::int64_t>;  // compares like version numbers

Version version_of(const ModelValue& model) {
  if (!model.has("version")) return {1, 0, 0};
  Version version = model["version"].integers();
  if (version.empty()) model["version"].fail("expected a version");
  return version;
}

/// In float32 and with XGBoost's own operations: otherwise a margin would differ in its last bit.
float to_margin(float base_score, InverseLink inverse, const Version& version, const ModelValue& place) {
  const auto refuse = [&](const char* range) {
    throw Error("forest.base_score",
                std::string(place.source()) + ": base_score " + place.text() + " is outside of " + range);
  };
  if (!std::isfinite(base_score)) refuse("the finite numbers");
  // XGBoost writes 0 if all labels are 0, and then predicts -inf.
  if (inverse == InverseLink::log) return std::log(base_score);
  if (inverse == InverseLink::logit) {
    // XGBoost clamps since 3.0; for older files it refuses to predict.
    if (version >= Version{3} && base_score >= 0.0f && base_score <= 1.0f)
      base_score = std::clamp(base_score, 1e-6f, 1.0f - 1e-6f);
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
  throw Error("forest.base_score", std::string(place.source()) + ": base_score \"" + text + "\" is not a number");
}

}  // namespace

void load_objective(const ModelValue& learner, Forest& forest) {
  const Objective& objective = objective_of(learner);
  forest.objective = objective.name;
  forest.link = objective.link;
}

void load_base_margin(const ModelValue& root, Forest& forest) {
  const ModelValue learner = root["learner"], place = learner["learner_model_param"]["base_score"];
  const Objective& objective = objective_of(learner);
  const Version version = version_of(root);
  // Before 1.3.0 binary:logitraw read its base_score as a probability.
  const bool raw_is_logit = objective.name == "binary:logitraw" && version < Version{1, 3, 1};
  const InverseLink inverse = raw_is_logit ? InverseLink::logit : objective.inverse;
  const std::vector<float> scores = base_scores(place);
  if (scores.size() != 1 && scores.size() != forest.n_groups)
    throw Error("forest.base_score", std::string(place.source()) + ": base_score has " + std::to_string(scores.size()) +
                                         " values, but the model has " + std::to_string(forest.n_groups) + " groups");
  for (std::size_t group = 0; group < forest.n_groups; ++group)
    forest.base_margin.push_back(to_margin(scores[scores.size() == 1 ? 0 : group], inverse, version, place));
}

}  // namespace sluice::gbdt
