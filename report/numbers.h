#pragma once
/// Numbers as a report shows them.
///
/// Thread-safety: pure functions.

#include <cstdint>
#include <string>

namespace sluice {

/// "0.7812", never "-0.0000"; an en dash for NaN.
std::string decimal(double value, int decimals);
/// The same with the sign of what is above 0: "+0.7812".
std::string signed_decimal(double value, int decimals);
/// "12.3 %" of a share of 0.123; an en dash for NaN.
std::string percent(double share, int decimals = 1);
/// "1,234,567"
std::string count(std::uint64_t n);

}  // namespace sluice
