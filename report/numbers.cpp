#include "sluice/report/numbers.h"

#include <charconv>
#include <cmath>

#include "sluice/base/number.h"

namespace sluice {

std::string decimal(double value, int decimals) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return number_text(value);
  char buffer[400];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals).ptr;
  std::string text(buffer, end);
  if (text.front() == '-' && text.find_first_not_of("-0.") == text.npos) text.erase(0, 1);
  return text;
}

std::string signed_decimal(double value, int decimals) { return (value > 0 ? "+" : "") + decimal(value, decimals); }

std::string percent(double share, int decimals) {
  return std::isfinite(share) ? decimal(100 * share, decimals) + " %" : "–";
}

std::string count(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

}  // namespace sluice
