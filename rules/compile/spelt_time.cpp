#include "sluice/rules/compile/spelt_time.h"

#include <cmath>

#include "sluice/base/schema.h"
#include "sluice/rules/eval/arithmetic.h"

namespace sluice::rules {
namespace {

constexpr const char* kTimes = "write a time in ISO 8601: \"2024-01-31\" or \"2024-01-31T13:05:59Z\"";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "…:60": never occurs in a row, because the seconds since 1970 cannot represent it.
bool has_leap_second(std::string_view text) {
  const std::size_t minutes = text.find(':');
  if (minutes == std::string_view::npos) return false;
  const std::size_t seconds = text.find(':', minutes + 1);
  return seconds != std::string_view::npos && text.substr(seconds + 1).starts_with("60");
}

/// Whether a time of day with seconds is followed by "Z" or "+hh:mm".
bool has_clock_and_zone(std::string_view text) {
  const std::size_t clock = text.find('T');
  if (clock == std::string_view::npos) return false;
  return text.substr(clock).find_first_of("Zz+-") != std::string_view::npos;
}

std::optional<double> seconds_of(std::string_view unit) {
  if (unit == "d") return 86400;
  if (unit == "h") return 3600;
  if (unit == "m") return 60;
  if (unit == "s") return 1;
  if (unit == "ms") return 0.001;
  return std::nullopt;
}

}  // namespace

SpeltValue read_time(std::string_view text) {
  if (has_leap_second(text))
    return {{}, "the seconds since 1970 cannot represent a leap second", "write the second before or after it"};
  const bool is_date = text.size() >= 10 && text.find('-', 1) != std::string_view::npos;
  const auto seconds =
      is_date || text.find_first_not_of("0123456789") == std::string_view::npos ? parse_time(text) : std::nullopt;
  if (!seconds) return {{}, "this is not a time", kTimes};
  if (std::isnan(to_time(*seconds))) return {{}, "the time is outside the years 0001 to 9999", kTimes};
  return {seconds, {}, {}};
}

SpeltValue read_timestamp(std::string_view text) {
  if (!has_leap_second(text) && !has_clock_and_zone(text))
    return {{},
            "a timestamp needs a time of day and a zone",
            "write \"2024-01-31T00:00:00Z\", or time(...) for a date in UTC"};
  return read_time(text);
}

SpeltValue read_duration(std::string_view text) {
  const SpeltValue fault{{}, "this is not a duration", "write \"36h\", \"1h30m\", \"-90s\", \"250ms\" or \"30d\""};
  const bool is_negative = text.starts_with('-');
  std::string_view rest = text.substr(is_negative);
  if (rest.empty()) return fault;
  double sum = 0;
  while (!rest.empty()) {
    std::size_t digits = 0, letters = 0;
    while (digits < rest.size() && (is_digit(rest[digits]) || rest[digits] == '.')) ++digits;
    while (digits + letters < rest.size() && rest[digits + letters] >= 'a' && rest[digits + letters] <= 'z') ++letters;
    const auto number = parse_number(rest.substr(0, digits));
    const auto unit = seconds_of(rest.substr(digits, letters));
    if (!number || !unit) return fault;
    sum += *number * *unit;
    rest.remove_prefix(digits + letters);
  }
  if (sum > kLastTime - kFirstTime) return {{}, "the duration is longer than 9999 years", {}};
  return {is_negative ? -sum : sum, {}, {}};
}

}  // namespace sluice::rules
