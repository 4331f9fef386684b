#pragma once
/// What an XGBoost model's objective says: its link, and the margin that every row starts from. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/load/xgboost_json.h"

namespace sluice::gbdt {

/// Sets objective and link. Throws Error{forest.objective} where the name is unknown.
void load_objective(const ModelValue& learner, Forest& forest);

/// Sets base_margin, one a group, as the file's version means base_score. Throws Error{forest.base_score}.
void load_base_margin(const ModelValue& root, Forest& forest);

}  // namespace sluice::gbdt
