#pragma once
/// Reads XGBoost models saved by versions 1.0 to 3.x as JSON or UBJSON (`save_model("model.json")`, `"model.ubj"`),
/// without XGBoost: gbtree, dart and gblinear; vector leaves; categories, also with texts; random forests.
///
/// Thresholds and leaves are read straight to float32, as in XGBoost. base_score is interpreted by the file's version.
/// All structural faults are found here, so that a loaded forest can be walked without checks: array lengths, children
/// out of range, nodes reached twice (cycles), features >= num_feature, NaN thresholds, leaves that are not finite,
/// category sets. A model without trees is a forest whose margin is its base margin.
/// Thread-safety: all functions are thread-safe.

#include <filesystem>
#include <string_view>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

/// `source` is the file name for messages. Throws Error{forest.*} with it, and with the tree and node if there is one:
/// forest.json (neither JSON nor UBJSON, truncated), forest.field (a field is missing or has the wrong type),
/// forest.tree (a tree's structure), forest.base_score, forest.objective (unknown), forest.unsupported (booster).
Forest load_xgboost(std::string_view bytes, std::string_view source);

/// Any model: XGBoost's, or LightGBM's text (load_lightgbm.h). The content decides.
Forest load_forest(std::string_view bytes, std::string_view source);

/// Also throws Error{file.read}.
Forest load_forest(const std::filesystem::path& path);

}  // namespace sluice::gbdt
