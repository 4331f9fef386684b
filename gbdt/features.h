#pragma once
/// Matches a table's columns to a model's features, and a category's text to its code. Cold path.
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// For each feature of the forest, the index of its column. The identity if the order is the same, or if the file has
/// no names. `types` may be empty; otherwise it has one type per column, of which only "c" (a category) has a meaning.
/// Throws Error{features.*} with the feature: features.count (the file has no names), features.missing, features.extra,
/// features.duplicate, features.type (a category given as a number, or the reverse).
std::vector<std::size_t> check_features(const Forest& forest, std::span<const std::string> names,
                                        std::span<const std::string> types = {});

/// The code of a category's text in the model; nullopt if it is not in the training data. XGBoost rejects such a text;
/// a caller may use NaN instead, which takes the default sides. Throws Error{features.type} if the model has no texts
/// for the feature.
std::optional<float> category_code(const Forest& forest, std::size_t feature, std::string_view text);

}  // namespace sluice::gbdt
