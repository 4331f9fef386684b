#include "sluice/gbdt/features.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"

namespace sluice::gbdt {
namespace {

using Places = std::map<std::string_view, std::size_t>;

Places places_of(std::span<const std::string> names, const char* whose) {
  Places places;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!places.emplace(names[i], i).second)
      throw Error("features.duplicate", std::string(whose) + " contain \"" + names[i] + "\" twice");
  return places;
}

void check_types(const Forest& forest, std::span<const std::string> types, const std::vector<std::size_t>& columns) {
  if (types.empty() || forest.feature_types.empty()) return;
  for (std::size_t f = 0; f < columns.size(); ++f) {
    const bool is_category = types[columns[f]] == "c", wants_category = forest.feature_types[f] == "c";
    if (is_category == wants_category) continue;
    const std::string name = forest.feature_names.empty() ? std::to_string(f) : "\"" + forest.feature_names[f] + "\"";
    throw Error("features.type", "feature " + name + " is a " + (is_category ? "category" : "number") +
                                     ", but the model was trained with a " + (wants_category ? "category" : "number"));
  }
}

}  // namespace

std::vector<std::size_t> check_features(const Forest& forest, std::span<const std::string> names,
                                        std::span<const std::string> types) {
  if (!types.empty() && types.size() != names.size())
    throw Error("features.count",
                std::to_string(types.size()) + " types for " + std::to_string(names.size()) + " columns");
  std::vector<std::size_t> columns(forest.n_features);
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  if (forest.feature_names.empty()) {
    if (names.size() != forest.n_features)
      throw Error("features.count", std::to_string(names.size()) + " columns, but the model has " +
                                        std::to_string(forest.n_features) + " features and no names for them");
  } else {
    const Places places = places_of(names, "the columns"), features = places_of(forest.feature_names, "the features");
    for (std::size_t f = 0; f < forest.n_features; ++f) {
      const auto found = places.find(forest.feature_names[f]);
      if (found == places.end())
        throw Error("features.missing", "no column is named \"" + forest.feature_names[f] + "\", which the model reads",
                    nearest(forest.feature_names[f], {names.begin(), names.end()}));
      columns[f] = found->second;
    }
    for (const std::string& name : names)
      if (!features.contains(name))
        throw Error("features.extra", "column \"" + name + "\" is not a feature of the model",
                    nearest(name, forest.feature_names));
  }
  check_types(forest, types, columns);
  return columns;
}

std::optional<float> category_code(const Forest& forest, std::size_t feature, std::string_view text) {
  if (feature >= forest.category_names.size() || forest.category_names[feature].empty())
    throw Error("features.type", "the model has no category texts for feature " + std::to_string(feature));
  const auto& names = forest.category_names[feature];
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<float>(found - names.begin());
}

}  // namespace sluice::gbdt
