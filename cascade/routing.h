#pragma once
/// Which rows go to the network: those in the policy's band, and there, where the policy asks for it, those for which
/// the network is expected to save enough. Pure functions; thread-safe.

#include <limits>
#include <optional>

#include "sluice/bundle/bundle.h"

namespace sluice::cascade {

struct Route {
  bool is_forwarded = false;
  float gain = std::numeric_limits<float>::quiet_NaN();  // NaN if the band asks for no gain, or p is outside it
};

/// Of a row with the forest's calibrated probability and the expected gain; `gain` is read only if the band asks for
/// one. Without a band no row is forwarded.
Route route_of(const std::optional<Band>& band, double p_forest, float gain);

/// Of a row with these margins; the gain model is evaluated only inside the band.
Route route_of(const Bundle& bundle, RowView row, const PrefixMargins& margins, double p_forest);

}  // namespace sluice::cascade
