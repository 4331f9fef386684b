#pragma once
/// The gain model: which rows the network is worth asking for, by more than the forest's probability. Not installed.

#include <span>
#include <string>
#include <vector>

#include "sluice/training/band_search.h"
#include "sluice/training/pipeline.h"

namespace sluice::training {

/// Learns `expected`, one a training row, from the forest's columns and its margin; sets models.gain and gain_json.
/// Throws Error{booster.*, interrupted}.
void train_gain_model(const Schema& schema, const Part& train, std::span<const float> expected,
                      const ForestOptions& options, Models& models, const Progress& progress);

/// What the model expects of each row of a part; empty where there is no model.
std::vector<float> expect_gains(const Models& models, const Part& part);

/// The least gain that takes at most max_forward of `rows`, less half a standard error, whatever their probability.
/// No band where that is not above 0, or what those rows saved is not min_z standard errors above 0. `gains` has
/// what the model expects of each of `rows`, which it must not have learnt from.
BandChoice choose_min_gain(std::span<const BandRow> rows, std::span<const float> gains, const BandOptions& options);

}  // namespace sluice::training
