#include "sluice/gbdt/load_lightgbm.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/lightgbm_text.h"
#include "sluice/gbdt/load_lightgbm_tree.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

struct Objective {
  std::string_view name;
  Link link;
};

constexpr std::array kObjectives = {
    Objective{"binary", Link::logistic},        Objective{"multiclassova", Link::logistic},
    Objective{"cross_entropy", Link::logistic}, Objective{"multiclass", Link::softmax},
    Objective{"poisson", Link::exponential},    Objective{"gamma", Link::exponential},
    Objective{"tweedie", Link::exponential},    Objective{"regression", Link::identity},
    Objective{"regression_l1", Link::identity}, Objective{"huber", Link::identity},
    Objective{"fair", Link::identity},          Objective{"quantile", Link::identity},
    Objective{"mape", Link::identity},          Objective{"lambdarank", Link::identity},
    Objective{"rank_xendcg", Link::identity},   Objective{"custom", Link::identity},
};

/// "binary sigmoid:2": a name, then its parameters.
void load_objective(const LightgbmSection& header, Forest& forest) {
  const std::vector<std::string_view> words = header.words("objective");
  forest.objective = words.empty() ? "custom" : std::string(words[0]);
  const auto found = std::find_if(kObjectives.begin(), kObjectives.end(),
                                  [&](const Objective& objective) { return objective.name == forest.objective; });
  if (found == kObjectives.end())
    throw Error("forest.objective",
                std::string(header.source()) + ": the objective \"" + forest.objective + "\" is unknown",
                "a link for its margins must be known");
  forest.link = found->link;
  for (std::size_t k = 1; k < words.size(); ++k) {
    if (words[k] == "sqrt")
      throw Error("forest.unsupported", std::string(header.source()) + ": reg_sqrt targets are not read",
                  "take the square root of the labels before training");
    if (!words[k].starts_with("sigmoid:")) continue;
    const std::string_view number = words[k].substr(8);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), forest.link_scale);
    if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(forest.link_scale))
      header.fail("objective: \"" + std::string(words[k]) + "\" is no number");
  }
}

/// "[low:high]" is a number's range, "1:5:7" are a category's codes, "none" was never split on.
void load_features(const LightgbmSection& header, Forest& forest) {
  const std::int64_t last = header.integer("max_feature_idx");
  // Every feature has a name and a range in the header.
  if (last < 0 || last >= 0x7fffffff) header.fail("max_feature_idx is out of range");
  forest.n_features = static_cast<std::size_t>(last) + 1;
  for (const std::string_view word : header.words("feature_names")) forest.feature_names.emplace_back(word);
  for (const std::string_view word : header.words("feature_infos"))
    forest.feature_types.emplace_back(word.starts_with('[') || word == "none" ? "q" : "c");
  for (const auto* texts : {&forest.feature_names, &forest.feature_types})
    if (texts->size() != forest.n_features)
      header.fail("feature_names and feature_infos must have max_feature_idx + 1 elements");
}

void load_shape(const LightgbmSection& header, std::size_t n_trees, Forest& forest) {
  const std::int64_t n_groups = header.integer("num_tree_per_iteration");
  if (n_groups < 1 || n_groups > 65536) header.fail("num_tree_per_iteration is out of range");
  forest.n_groups = static_cast<std::size_t>(n_groups);
  if (n_trees % forest.n_groups != 0)
    header.fail(std::to_string(n_trees) + " trees are no multiple of num_tree_per_iteration");
  forest.base_margin.assign(forest.n_groups, 0.0f);
  if (header.has("average_output"))
    forest.exact_divisor = static_cast<double>(std::max<std::size_t>(1, n_trees / forest.n_groups));
  for (std::size_t first = 0; first <= n_trees; first += forest.n_groups)
    forest.iteration_first.push_back(static_cast<std::uint32_t>(first));
}

void load_trees(std::string_view rest, std::size_t n_trees, std::string_view source, Forest& forest) {
  std::vector<LightgbmMissing> missing(forest.n_features, LightgbmMissing::unknown);
  forest.category_sets.emplace_back();
  forest.category_words.push_back(0);
  for (std::size_t t = 0; t < n_trees; ++t) {
    rest.remove_prefix(std::min(rest.find_first_not_of("\r\n"), rest.size()));
    const LightgbmSection section(rest, "tree " + std::to_string(t), source);
    if (!section.has("Tree")) section.fail("it is missing");
    if (section.integer("Tree") != static_cast<std::int64_t>(t)) section.fail("another number stands in its place");
    append_lightgbm_tree(section, static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(t % forest.n_groups),
                         missing, forest);
  }
  rest.remove_prefix(std::min(rest.find_first_not_of("\r\n"), rest.size()));
  if (!rest.starts_with("end of trees"))
    throw Error("forest.lightgbm", std::string(source) + ": \"end of trees\" does not follow tree " +
                                       std::to_string(n_trees) + ": the file breaks off or tree_sizes is wrong");
  const auto is_zero = [](LightgbmMissing type) { return type == LightgbmMissing::zero; };
  if (std::any_of(missing.begin(), missing.end(), is_zero))
    for (const LightgbmMissing type : missing) forest.zero_is_missing.push_back(is_zero(type));
}

}  // namespace

bool is_lightgbm(std::string_view bytes) { return bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n"); }

Forest load_lightgbm(std::string_view text, std::string_view source) {
  std::string_view rest = text;
  const LightgbmSection header(rest, "header", source);
  if (!is_lightgbm(text)) header.fail("the first line is not \"tree\"");
  if (const std::string_view version = header.text("version"); version != "v3" && version != "v4")
    header.fail("version \"" + std::string(version) + "\" is not read; v3 and v4 are");
  const std::size_t n_trees = header.words("tree_sizes").size();
  Forest forest;
  load_objective(header, forest);
  load_features(header, forest);
  load_shape(header, n_trees, forest);
  load_trees(rest, n_trees, source, forest);
  prepare(forest);
  return forest;
}

}  // namespace sluice::gbdt
