#include "sluice/cascade/routing.h"

namespace sluice::cascade {
namespace {

Route inside(const Band& band, float gain) {
  if (!band.min_gain) return {.is_forwarded = true};
  return {static_cast<double>(gain) >= *band.min_gain, gain};
}

}  // namespace

Route route_of(const std::optional<Band>& band, double p_forest, float gain) {
  return band && band->contains(p_forest) ? inside(*band, gain) : Route{};
}

Route route_of(const Bundle& bundle, RowView row, const PrefixMargins& margins, double p_forest) {
  const auto& band = bundle.policy.band;
  if (!band || !band->contains(p_forest)) return {};
  return inside(*band, band->min_gain ? bundle.gain->expect(row, margins) : Route{}.gain);
}

}  // namespace sluice::cascade
