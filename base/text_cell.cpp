#include <fast_float/fast_float.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "sluice/base/random.h"
#include "sluice/base/schema.h"

namespace sluice {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, "chrono-compatible low-level date algorithms").
long days_from_civil(long y, unsigned m, unsigned d) {
  y -= m <= 2;
  const long era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<long>(doe) - 719468;
}

/// Moves digits from the front of `text` into `value`.
bool take_digits(std::string_view& text, std::size_t n, unsigned& value) {
  if (text.size() < n) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + n, value);
  if (error != std::errc{} || end != text.data() + n) return false;
  text.remove_prefix(n);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+hh:mm", "-hhmm", "+hh" or nothing, as seconds east of UTC.
bool take_zone(std::string_view& text, int& seconds) {
  seconds = 0;
  if (text.empty() || take(text, 'Z')) return true;
  const int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
  unsigned hours = 0, minutes = 0;
  if (sign == 0 || !take_digits(text, 2, hours)) return false;
  take(text, ':');
  if (!text.empty() && !take_digits(text, 2, minutes)) return false;
  seconds = sign * static_cast<int>(hours * 3600 + minutes * 60);
  return hours < 24 && minutes < 60;
}

bool take_clock(std::string_view& text, double& seconds) {
  unsigned h = 0, m = 0, s = 0;
  if (!take_digits(text, 2, h) || !take(text, ':') || !take_digits(text, 2, m)) return false;
  double fraction = 0;
  if (take(text, ':')) {
    if (!take_digits(text, 2, s)) return false;
    if (take(text, '.')) {
      double scale = 0.1;
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        fraction += scale * (text.front() - '0');
        scale /= 10;
        text.remove_prefix(1);
      }
    }
  }
  seconds = h * 3600.0 + m * 60.0 + s + fraction;
  return h < 24 && m < 60 && s <= 60;
}

}  // namespace

bool is_missing_text(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return true;
  if (text.size() > 4) return false;
  for (const std::string_view word : {"NA", "NaN", "nan", "NAN", "null", "NULL", "N/A"})
    if (text == word) return true;
  return false;
}

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || std::isnan(value))
    return std::nullopt;
  return value;
}

std::optional<double> parse_time(std::string_view text) {
  text = trimmed(text);
  unsigned year = 0, month = 0, day = 0;
  std::string_view rest = text;
  if (!take_digits(rest, 4, year) || !take(rest, '-')) return parse_number(text);
  if (!take_digits(rest, 2, month) || !take(rest, '-') || !take_digits(rest, 2, day)) return std::nullopt;
  static constexpr std::array<unsigned, 13> kDays = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month < 1 || month > 12 || day < 1 || day > kDays[month] || (month == 2 && day == 29 && !leap))
    return std::nullopt;
  double clock = 0;
  int zone = 0;
  if (!rest.empty() && ((!take(rest, 'T') && !take(rest, ' ')) || !take_clock(rest, clock))) return std::nullopt;
  if (!take_zone(rest, zone) || !rest.empty()) return std::nullopt;
  return static_cast<double>(days_from_civil(year, month, day)) * 86400.0 + clock - zone;
}

std::string format_time(double seconds) {
  const double day = std::floor(seconds / 86400.0);
  const auto second = static_cast<long>(std::floor(seconds - day * 86400.0));
  // Inverse of days_from_civil.
  const long z = static_cast<long>(day) + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
  const auto doe = static_cast<unsigned>(z - era * 146097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  const unsigned d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
  const long y = static_cast<long>(yoe) + era * 400 + (m <= 2);
  char text[64];
  std::snprintf(text, sizeof text, "%04ld-%02u-%02uT%02ld:%02ld:%02ldZ", y, m, d, second / 3600, second / 60 % 60,
                second % 60);
  return text;
}

double hash_id(std::string_view text) {
  // FNV-1a, then mixed so that the low bits are as good as the high ones
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : trimmed(text)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return static_cast<double>(mix64(hash) >> 12);
}

}  // namespace sluice
