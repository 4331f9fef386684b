#pragma once
/// One tree of an XGBoost JSON model: checked, renumbered breadth-first, appended to a forest. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/xgboost_json.h"

namespace sluice::gbdt {

/// Throws Error{forest.field} or Error{forest.tree} naming the tree and the node.
void append_tree(const ModelValue& json, std::uint32_t group, Forest& forest);

}  // namespace sluice::gbdt
