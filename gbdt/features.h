#pragma once
/// A table's columns against a model's features, and a category's text against its code. Cold path; thread-safe.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// For each feature of the forest, the column it stands in. The identity where the order is the same, and where the
/// file has no names. `types` may be empty; otherwise one a column, of which only "c" (a category) is told apart.
/// Throws Error{features.*} naming the feature: features.count (no names to go by), features.missing, features.extra,
/// features.duplicate, features.type (a category given as a number, or the other way round).
std::vector<std::size_t> check_features(const Forest& forest, std::span<const std::string> names,
                                        std::span<const std::string> types = {});

/// The code that a category's text has in the model; nullopt for one that training did not see (XGBoost refuses it;
/// taken as missing it follows the default sides). Throws Error{features.type} where the model keeps no texts for the
/// feature.
std::optional<float> category_code(const Forest& forest, std::size_t feature, std::string_view text);

}  // namespace sluice::gbdt
