#pragma once
/// Reads XGBoost models saved as JSON by versions 1.0 to 3.x (`save_model("model.json")`), without XGBoost.
///
/// Thresholds and leaves are read straight to float32, as XGBoost reads them. What the file's version means for
/// base_score is applied here. Every structural fault is found now, so that a forest that loads can be walked without
/// checks: array lengths, children out of range, nodes reached twice (cycles), features >= num_feature, NaN thresholds,
/// leaves that are not finite, category sets.

#include <filesystem>
#include <string_view>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// `source` is the file's name, for messages. Throws Error{forest.*} naming it, and the tree and node where there is
/// one: forest.json (not JSON, cut short), forest.field (a field missing or of another type), forest.tree (a tree's
/// structure), forest.base_score, forest.objective (unknown), forest.unsupported (gblinear, DART, vector leaves, string
/// categories), forest.no_trees.
Forest load_xgboost(std::string_view json, std::string_view source);

/// Also throws Error{file.read}.
Forest load_forest(const std::filesystem::path& path);

}  // namespace sluice::gbdt
