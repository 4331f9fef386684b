#include "sluice/rules/analyze/number_set.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sluice::rules {

NumberSet::NumberSet(std::span<const double> members)
    : places_(std::bit_ceil(2 * members.size() + 2), std::numeric_limits<double>::quiet_NaN()),
      shift_(64 - std::countr_zero(places_.size())) {
  for (const double member : members) {
    double& place = places_[place_of(member)];
    size_ += std::isnan(place);
    place = member + 0.0;  // -0 and 0 are equal
  }
}

std::size_t NumberSet::place_of(double x) const {
  const auto bits = std::bit_cast<std::uint64_t>(x + 0.0);
  std::size_t place = ((bits ^ (bits >> 32)) * 0x9e3779b97f4a7c15ULL) >> shift_;  // Knuth's multiplicative hash
  while (!std::isnan(places_[place]) && places_[place] != x) place = (place + 1) & (places_.size() - 1);
  return place;
}

bool NumberSet::contains(double x) const { return places_[place_of(x)] == x; }

std::vector<double> NumberSet::members() const {
  std::vector<double> members;
  std::copy_if(places_.begin(), places_.end(), std::back_inserter(members), [](double x) { return !std::isnan(x); });
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace sluice::rules
