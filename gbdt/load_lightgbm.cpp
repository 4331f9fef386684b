#include "sluice/gbdt/load_lightgbm.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/gbdt/load/lightgbm_text.h"
#include "sluice/gbdt/load/load_lightgbm_tree.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {
namespace {

struct Objective {
  std::string_view name;
  Link link;
};

/// The names in each version: xentropy and xentlambda until 2.2.
constexpr std::array kObjectives = {
    Objective{"binary", Link::logistic},
    Objective{"multiclassova", Link::logistic},
    Objective{"cross_entropy", Link::logistic},
    Objective{"xentropy", Link::logistic},
    Objective{"cross_entropy_lambda", Link::softplus},
    Objective{"xentlambda", Link::softplus},
    Objective{"multiclass", Link::softmax},
    Objective{"poisson", Link::exponential},
    Objective{"gamma", Link::exponential},
    Objective{"tweedie", Link::exponential},
    Objective{"regression", Link::identity},
    Objective{"regression_l1", Link::identity},
    Objective{"huber", Link::identity},
    Objective{"fair", Link::identity},
    Objective{"quantile", Link::identity},
    Objective{"mape", Link::identity},
    Objective{"lambdarank", Link::identity},
    Objective{"rank_xendcg", Link::identity},
    Objective{"custom", Link::identity},
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
                "the link of its margins must be known");
  forest.link = found->link;
  for (std::size_t k = 1; k < words.size(); ++k) {
    // Only targets without a link of their own can have roots; 2.0 wrote the word for poisson too, without effect.
    if (words[k] == "sqrt" && forest.link == Link::identity) forest.link = Link::signed_square;
    if (!words[k].starts_with("sigmoid:")) continue;
    const std::string_view number = words[k].substr(8);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), forest.link_scale);
    if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(forest.link_scale))
      header.fail("objective: \"" + std::string(words[k]) + "\" is not a number");
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

/// Removes the sections "Tree=..." from `rest`. LightGBM reads them by their order and ignores their numbers.
std::vector<LightgbmSection> take_trees(std::string_view& rest, std::string_view source) {
  std::vector<LightgbmSection> trees;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of("\r\n"), rest.size()));
    if (!rest.starts_with("Tree=")) return trees;
    trees.emplace_back(rest, "tree " + std::to_string(trees.size()), source);
  }
}

/// Files have tree_sizes since 2.0.12. "end of trees" follows since 2.2; older files continue with the next section.
void check_end(const LightgbmSection& header, std::size_t n_trees, std::string_view rest) {
  const bool has_end = rest.starts_with("end of trees") || rest.starts_with("feature importances:");
  const std::size_t n_sizes = header.has("tree_sizes") ? header.words("tree_sizes").size() : n_trees;
  if (has_end && n_sizes == n_trees) return;
  throw Error("forest.lightgbm", std::string(header.source()) + ": the file is truncated at or after tree " +
                                     std::to_string(n_trees) + ": " +
                                     (n_sizes == n_trees ? "\"end of trees\" is missing"
                                                         : "tree_sizes lists " + std::to_string(n_sizes) + " trees"));
}

void load_shape(const LightgbmSection& header, std::size_t n_trees, Forest& forest) {
  const std::int64_t n_groups = header.integer("num_tree_per_iteration");
  if (n_groups < 1 || n_groups > 65536) header.fail("num_tree_per_iteration is out of range");
  forest.n_groups = static_cast<std::size_t>(n_groups);
  if (n_trees % forest.n_groups != 0)
    header.fail(std::to_string(n_trees) + " trees are not a multiple of num_tree_per_iteration");
  forest.base_margin.assign(forest.n_groups, 0.0f);
  if (header.has("average_output"))
    forest.exact_divisor = static_cast<double>(std::max<std::size_t>(1, n_trees / forest.n_groups));
  for (std::size_t first = 0; first <= n_trees; first += forest.n_groups)
    forest.iteration_first.push_back(static_cast<std::uint32_t>(first));
}

void load_trees(const std::vector<LightgbmSection>& trees, Forest& forest) {
  forest.category_sets.emplace_back();
  forest.category_words.push_back(0);
  for (std::size_t t = 0; t < trees.size(); ++t)
    append_lightgbm_tree(trees[t], static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(t % forest.n_groups),
                         forest);
}

/// 2.0.5 to 2.0.11 wrote no version, 2.0.12 to 2.2 v2, 2.3 and 3 v3. Their trees are read alike, by LightGBM 4 too.
void check_version(const LightgbmSection& header) {
  constexpr std::array<std::string_view, 4> kVersions = {"", "v2", "v3", "v4"};
  const std::string_view version = header.has("version") ? header.text("version") : "";
  if (std::find(kVersions.begin(), kVersions.end(), version) == kVersions.end())
    header.refuse("version \"" + std::string(version) + "\" is not supported",
                  "use v2, v3 or v4, which LightGBM 2 to 4 write");
}

}  // namespace

bool is_lightgbm(std::string_view bytes) { return bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n"); }

Forest load_lightgbm(std::string_view text, std::string_view source) {
  std::string_view rest = text;
  const LightgbmSection header(rest, "header", source);
  if (!is_lightgbm(text)) header.fail("the first line is not \"tree\"");
  check_version(header);
  const std::vector<LightgbmSection> trees = take_trees(rest, source);
  check_end(header, trees.size(), rest);
  Forest forest;
  load_objective(header, forest);
  load_features(header, forest);
  load_shape(header, trees.size(), forest);
  load_trees(trees, forest);
  prepare(forest);
  return forest;
}

}  // namespace sluice::gbdt
