#pragma once
/// One tree of an XGBoost model: checked, renumbered breadth-first, appended to a forest. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/load/xgboost_json.h"

namespace sluice::gbdt {

/// What the model defines for a tree.
struct TreePlace {
  std::uint32_t number = 0;  // in the file
  std::uint32_t group = 0;   // of its output; a tree with vector leaves adds to all groups
  float weight = 1;          // DART's: every leaf is multiplied by it in float32, as XGBoost does for each row
};

/// A tree with vector leaves is appended once per group, with the same structure.
/// Throws Error{forest.field} or Error{forest.tree} with the tree and the node.
void append_tree(const ModelValue& json, const TreePlace& place, Forest& forest);

}  // namespace sluice::gbdt
