#include "sluice/experiment/report_json.h"

#include <nlohmann/json.hpp>

namespace sluice::experiment {
namespace {

using Json = nlohmann::ordered_json;  // NaN is written as null

constexpr const char* kActions[] = {"none", "approve", "review", "decline"};

Json estimate_json(const Estimate& e) { return {{"n", e.n}, {"value", e.value}, {"low", e.low}, {"high", e.high}}; }

Json arm_json(const ArmFigures& arm) {
  Json actions = Json::object(), levels = Json::object();
  for (std::size_t i = 0; i < arm.actions.size(); ++i) actions[kActions[i]] = estimate_json(arm.actions[i]);
  for (std::size_t i = 0; i < arm.levels.size(); ++i)
    levels[cascade::to_string(cascade::Level(i))] = estimate_json(arm.levels[i]);
  return {{"name", arm.name},
          {"decisions", arm.n},
          {"expected", arm.n_expected},
          {"labelled", arm.n_labelled},
          {"actions", actions},
          {"levels", levels},
          {"bad_rate_approved", estimate_json(arm.bad_rate_approved)},
          {"cost", estimate_json(arm.cost)},
          {"approve_difference", estimate_json(arm.approve_difference)},
          {"cost_difference", estimate_json(arm.cost_difference)}};
}

Json shadow_json(const ShadowFigures& shadow) {
  Json actions = Json::array();
  for (std::size_t acted = 0; acted < 4; ++acted)
    for (std::size_t other = 0; other < 4; ++other)
      if (const auto n = shadow.actions[acted][other]; n > 0)
        actions.push_back({{"acted", kActions[acted]}, {"shadow", kActions[other]}, {"decisions", n}});
  return {{"name", shadow.name},
          {"decisions", shadow.n},
          {"actions", actions},
          {"changed", estimate_json(shadow.changed)},
          {"cost_difference", estimate_json(shadow.cost_difference)}};
}

Json figures_json(const ExperimentFigures& e) {
  Json arms = Json::array();
  for (const auto& arm : e.arms) arms.push_back(arm_json(arm));
  return {{"name", e.name},
          {"layer", e.layer},
          {"sound", e.is_sound()},
          {"decisions", e.n},
          {"labelled", e.n_labelled},
          {"with_subject", e.n_with_subject},
          {"subjects", e.n_subjects},
          {"not_running", e.n_not_running},
          {"unknown_arm", e.n_unknown_arm},
          {"sample_ratio", {{"p", e.ratio_p}, {"fits", e.ratio_fits()}}},
          {"arms", arms},
          {"shadow", e.shadow ? shadow_json(*e.shadow) : Json(nullptr)}};
}

Json costs_json(const ExperimentReport& report) {
  if (!report.costs) return nullptr;
  const cascade::Costs& costs = *report.costs;
  return {{"from", report.costs_from},
          {"false_positive", costs.false_positive},
          {"false_negative", costs.false_negative},
          {"review", costs.review ? Json(*costs.review) : Json(nullptr)},
          {"network_call", costs.network_call},
          {"by_amount", report.has_amounts}};
}

}  // namespace

std::string experiment_json(const ExperimentReport& report) {
  Json experiments = Json::array();
  for (const auto& experiment : report.experiments) experiments.push_back(figures_json(experiment));
  const Json json = {{"plan_version", report.plan_version}, {"sound", report.is_sound()},
                     {"records", report.n_records},         {"erased", report.n_erased},
                     {"foreign", report.n_foreign},         {"alpha", report.alpha},
                     {"tuned_for", report.tuned_for},       {"unit", report.first_of_subject ? "subject" : "decision"},
                     {"costs", costs_json(report)},         {"warnings", report.warnings()},
                     {"experiments", experiments}};
  return json.dump(1) + "\n";
}

}  // namespace sluice::experiment
