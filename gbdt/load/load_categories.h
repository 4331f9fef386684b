#pragma once
/// The training categories' texts that XGBoost 3.1 and later keep with a model. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/load/xgboost_json.h"

namespace sluice::gbdt {

/// Sets category_names from the booster's "cats". Numbers that were categories become their texts. Throws
/// Error{forest.field}.
void load_categories(const ModelValue& cats, Forest& forest);

}  // namespace sluice::gbdt
