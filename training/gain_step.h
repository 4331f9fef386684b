#pragma once
/// Trains the gain model: which rows are worth forwarding, by more than the forest's probability. Not installed.

#include <span>
#include <string>
#include <vector>

#include "sluice/training/band_search.h"
#include "sluice/training/pipeline.h"

namespace sluice::training {

/// Learns `expected`, the expected gain of each training row, from the forest's columns and margin. Sets models.gain
/// and models.gain_json. Throws Error{booster.*, interrupted}.
void train_gain_model(const Schema& schema, const Part& train, std::span<const float> expected,
                      const ForestOptions& options, Models& models, const Progress& progress);

/// The expected gain of each row of a part; empty if there is no gain model.
std::vector<float> expect_gains(const Models& models, const Part& part);

/// The smallest min_gain above 0 that forwards at most max_forwarded() of `rows`, whatever their probability. No band
/// if no row has such a gain, or if the observed saving of the forwarded rows is below min_z standard errors. `gains`
/// has the expected gain of each row; the model must not have been trained on `rows`.
BandChoice choose_min_gain(std::span<const BandRow> rows, std::span<const float> gains, const BandOptions& options);

}  // namespace sluice::training
