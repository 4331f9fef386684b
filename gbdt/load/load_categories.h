#pragma once
/// The texts of the training categories, which XGBoost 3.1 and later store in a model. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/load/xgboost_json.h"

namespace sluice::gbdt {

/// Sets category_names from the booster's "cats". Numeric categories become their texts. Throws Error{forest.field}.
void load_categories(const ModelValue& cats, Forest& forest);

}  // namespace sluice::gbdt
