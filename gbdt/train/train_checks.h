#pragma once
/// Checks training data before libxgboost reads it. Not installed.

#include "sluice/gbdt/train/booster.h"

namespace sluice::gbdt {

/// Throws Error{booster.*} as booster.h describes. `what` is the name of the data: "training data". Data to be fitted
/// needs both classes.
void check_train_data(const TrainData& data, const TrainOptions& options, const std::string& what, bool is_fitted);
void check_train_options(const TrainOptions& options, std::size_t n_features);

/// The column's name in quotes, or its number.
std::string feature_label(const TrainData& data, std::size_t column);

}  // namespace sluice::gbdt
