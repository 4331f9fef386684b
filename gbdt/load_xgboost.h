#pragma once
/// Reads XGBoost models saved by versions 1.0 to 3.x as JSON or UBJSON (`save_model("model.json")`, `"model.ubj"`),
/// without XGBoost: gbtree, dart and gblinear; vector leaves; categories, texts among them; random forests.
///
/// Thresholds and leaves are read straight to float32, as XGBoost reads them. What the file's version means for
/// base_score is applied here. Every structural fault is found now, so that a forest that loads can be walked without
/// checks: array lengths, children out of range, nodes reached twice (cycles), features >= num_feature, NaN thresholds,
/// leaves that are not finite, category sets. A model without trees is a forest whose margin is its base margin.

#include <filesystem>
#include <string_view>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// `source` is the file's name, for messages. Throws Error{forest.*} naming it, and the tree and node where there is
/// one: forest.json (neither JSON nor UBJSON, cut short), forest.field (a field missing or of another type),
/// forest.tree (a tree's structure), forest.base_score, forest.objective (unknown), forest.unsupported (booster).
Forest load_xgboost(std::string_view bytes, std::string_view source);

/// Any model: XGBoost's, or LightGBM's text (load_lightgbm.h). Told apart by content.
Forest load_forest(std::string_view bytes, std::string_view source);

/// Also throws Error{file.read}.
Forest load_forest(const std::filesystem::path& path);

}  // namespace sluice::gbdt
