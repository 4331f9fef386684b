#include <cmath>

#include "sluice/base/number.h"
#include "support/random_forest.h"

namespace sluice::test {
namespace {

std::string number(float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  const std::string text = number_text(value);
  // XGBoost 1.7 does not accept integers here
  return text.find_first_of(".e") == text.npos ? text + ".0" : text;
}

template <class Items, class Text>
std::string array(const Items& items, const Text& text) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? "," : "") + text(item);
  return out + "]";
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string parents_of(const PlainTree& tree) {
  std::vector<int> parents(tree.nodes.size(), 2147483647);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i)
    for (const int child : {tree.nodes[i].left, tree.nodes[i].right})
      if (child >= 0) parents[static_cast<std::size_t>(child)] = static_cast<int>(i);
  return array(parents, [](int parent) { return std::to_string(parent); });
}

std::string categories_of(const PlainTree& tree) {
  std::vector<int> nodes, segments, sizes, categories;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const auto& set = tree.nodes[i].categories;
    if (set.empty()) continue;
    nodes.push_back(static_cast<int>(i));
    segments.push_back(static_cast<int>(categories.size()));
    sizes.push_back(static_cast<int>(set.size()));
    categories.insert(categories.end(), set.begin(), set.end());
  }
  const auto text = [](int value) { return std::to_string(value); };
  return R"("categories":)" + array(categories, text) + R"(,"categories_nodes":)" + array(nodes, text) +
         R"(,"categories_segments":)" + array(segments, text) + R"(,"categories_sizes":)" + array(sizes, text);
}

std::string tree_json(const PlainModel& model, const PlainTree& tree, std::size_t id) {
  const auto each = [&](const auto& text) { return array(tree.nodes, text); };
  const auto flag = [&](bool value) { return model.bool_defaults ? (value ? "true" : "false") : (value ? "1" : "0"); };
  return R"({"base_weights":)" + each([](const PlainNode& n) { return number(n.value); }) + "," + categories_of(tree) +
         R"(,"default_left":)" + each([&](const PlainNode& n) { return std::string(flag(n.default_left)); }) +
         R"(,"id":)" + std::to_string(id) + R"(,"left_children":)" +
         each([](const PlainNode& n) { return std::to_string(n.left); }) + R"(,"loss_changes":)" +
         each([](const PlainNode&) { return std::string("0E0"); }) + R"(,"parents":)" + parents_of(tree) +
         R"(,"right_children":)" + each([](const PlainNode& n) { return std::to_string(n.right); }) +
         R"(,"split_conditions":)" + each([](const PlainNode& n) { return number(n.value); }) + R"(,"split_indices":)" +
         each([](const PlainNode& n) { return std::to_string(n.feature); }) + R"(,"split_type":)" +
         each([](const PlainNode& n) { return std::to_string(n.categories.empty() ? 0 : 1); }) + R"(,"sum_hessian":)" +
         each([](const PlainNode& n) { return number(n.cover); }) +
         R"(,"tree_param":{"num_deleted":"0","num_feature":)" + quoted(std::to_string(model.n_features)) +
         R"(,"num_nodes":)" + quoted(std::to_string(tree.nodes.size())) + R"(,"size_leaf_vector":"0"}})";
}

std::string objective_json(const PlainModel& model) {
  std::string param = R"("reg_loss_param":{"scale_pos_weight":"1"})";
  if (model.objective == "count:poisson") param = R"("poisson_regression_param":{"max_delta_step":"0.7"})";
  if (model.objective == "reg:tweedie") param = R"("tweedie_regression_param":{"tweedie_variance_power":"1.5"})";
  if (model.objective == "reg:pseudohubererror") param = R"("pseudo_huber_param":{"huber_slope":"1"})";
  if (model.objective == "survival:aft")
    param = R"("aft_loss_param":{"aft_loss_distribution":"normal","aft_loss_distribution_scale":"1"})";
  if (model.objective.starts_with("rank:"))
    param = R"("lambda_rank_param":{"fix_list_weight":"0","num_pairsample":"1"})";
  if (model.objective.starts_with("multi:"))
    param = R"("softmax_multiclass_param":{"num_class":)" + quoted(std::to_string(model.n_groups)) + "}";
  return R"({"name":)" + quoted(model.objective) + "," + param + "}";
}

std::string booster_json(const PlainModel& model) {
  std::size_t id = 0;
  const std::string trees = array(model.trees, [&](const PlainTree& tree) { return tree_json(model, tree, id++); });
  const std::string groups = array(model.trees, [](const PlainTree& tree) { return std::to_string(tree.group); });
  const std::string gbtree = R"({"model":{"gbtree_model_param":{"num_parallel_tree":)" +
                             quoted(std::to_string(model.n_parallel_trees)) + R"(,"num_trees":)" +
                             quoted(std::to_string(model.trees.size())) + R"(,"size_leaf_vector":"0"},"tree_info":)" +
                             groups + R"(,"trees":)" + trees + R"(},"name":"gbtree"})";
  if (model.weights.empty()) return gbtree;
  return R"({"gbtree":)" + gbtree + R"(,"name":"dart","weight_drop":)" + array(model.weights, number) + "}";
}

}  // namespace

std::string to_json(const PlainModel& model) {
  return R"({"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":)" +
         booster_json(model) + R"(,"learner_model_param":{"base_score":)" + quoted(model.base_score) +
         R"(,"boost_from_average":"1","num_class":)" + quoted(std::to_string(model.n_groups > 1 ? model.n_groups : 0)) +
         R"(,"num_feature":)" + quoted(std::to_string(model.n_features)) + R"(,"num_target":"1"},"objective":)" +
         objective_json(model) + R"(},"version":)" +
         array(model.version, [](int part) { return std::to_string(part); }) + "}";
}

}  // namespace sluice::test
