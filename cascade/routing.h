#pragma once
/// Decides which rows are forwarded to the network: those in the policy's band, and, if the band has a min_gain, of
/// these only rows with at least that expected gain.
///
/// Thread-safety: the functions are pure.

#include <limits>
#include <optional>

#include "sluice/bundle/bundle.h"

namespace sluice::cascade {

struct Route {
  bool is_forwarded = false;
  float gain = std::numeric_limits<float>::quiet_NaN();  // NaN if the band has no min_gain, or p is outside it
};

/// The route of a row with the forest's calibrated probability and the expected gain. `gain` is read only if the band
/// has a min_gain. Without a band no row is forwarded.
Route route_of(const std::optional<Band>& band, double p_forest, float gain);

/// The route of a raw row with these margins. The gain model is evaluated only inside the band.
Route route_of(const Bundle& bundle, RowView row, const PrefixMargins& margins, double p_forest);

}  // namespace sluice::cascade
