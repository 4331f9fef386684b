#pragma once
/// What an XGBoost model's objective defines: its link, and the initial margin of every row. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/load/xgboost_json.h"

namespace sluice::gbdt {

/// Sets objective and link. Throws Error{forest.objective} if the name is unknown.
void load_objective(const ModelValue& learner, Forest& forest);

/// Sets base_margin, one per group; the meaning of base_score depends on the file's version. Throws
/// Error{forest.base_score}.
void load_base_margin(const ModelValue& root, Forest& forest);

}  // namespace sluice::gbdt
