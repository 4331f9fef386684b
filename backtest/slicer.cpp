#include "sluice/backtest/slicer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <set>

#include "sluice/base/error.h"

namespace sluice::backtest {
namespace {

constexpr const char* kMissing = "(missing)";
constexpr std::size_t kIntervals = 5, kFewValues = 12, kLongestName = 80;

std::string period_name(double seconds, Period period) {
  using namespace std::chrono;
  const sys_days day(days(static_cast<std::int64_t>(std::floor(seconds / 86400))));
  const sys_days shown = period == Period::week ? day - (weekday(day) - Monday) : day;
  const year_month_day date(shown);
  char text[40];
  const int year = static_cast<int>(date.year());
  const unsigned month = static_cast<unsigned>(date.month());
  if (period == Period::month)
    std::snprintf(text, sizeof text, "%04d-%02u", year, month);
  else
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", year, month, static_cast<unsigned>(date.day()));
  return text;
}

/// At most kLongestName bytes and an ellipsis, cut between characters.
std::string shortened(std::string_view text) {
  if (text.size() <= kLongestName) return std::string(text);
  std::size_t end = kLongestName;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

/// The distinct quintiles; empty if a text is not a number or there are too few distinct values.
std::vector<double> quintiles(std::span<const std::string> texts) {
  std::vector<double> values;
  for (const auto& text : texts) {
    if (is_missing_text(text)) continue;
    const auto number = parse_number(text);
    if (!number || !std::isfinite(*number)) return {};
    values.push_back(*number);
  }
  if (std::set<double>(values.begin(), values.end()).size() <= kFewValues) return {};
  std::sort(values.begin(), values.end());
  std::vector<double> edges;
  for (std::size_t k = 1; k < kIntervals; ++k) edges.push_back(values[k * values.size() / kIntervals]);
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

}  // namespace

Slicer Slicer::by_time(std::string column, Period period) {
  Slicer slicer;
  slicer.column_ = std::move(column);
  slicer.period_ = period;
  return slicer;
}

Slicer Slicer::by_values(std::string column, std::optional<Kind> kind, std::span<const std::string> first_rows) {
  Slicer slicer;
  slicer.column_ = std::move(column);
  if (!kind || *kind == Kind::number)
    slicer.edges_ = quintiles(first_rows.first(std::min(first_rows.size(), kLearningRows)));
  return slicer;
}

std::string Slicer::name(std::string_view text, std::uint64_t row) const {
  if (is_missing_text(text)) return kMissing;
  if (period_) {
    constexpr double kMaxSeconds = 2.5e11;  // about 7,900 years: dates up to year 9999
    const auto seconds = parse_time(text);
    if (seconds && *seconds > -6e10 && *seconds < kMaxSeconds) return period_name(*seconds, *period_);
    throw Error(
        "backtest.time",
        "row " + std::to_string(row) + ", column \"" + column_ + "\": \"" + shortened(text) + "\" is not a time",
        "write times as ISO 8601 (2018-04-01T13:05:59Z) or seconds since 1970");
  }
  if (edges_.empty()) return shortened(text);
  const auto number = parse_number(text);
  if (!number || std::isnan(*number)) return "(not a number)";
  return interval_name(
      static_cast<std::size_t>(std::upper_bound(edges_.begin(), edges_.end(), *number) - edges_.begin()));
}

std::string Slicer::kind() const {
  if (period_) return *period_ == Period::day ? "day" : *period_ == Period::week ? "week" : "month";
  return edges_.empty() ? "text" : "number";
}

std::string Slicer::interval_name(std::size_t interval) const {
  if (interval == 0) return "below " + short_number(edges_.front());
  if (interval == edges_.size()) return "from " + short_number(edges_.back());
  return short_number(edges_[interval - 1]) + " to " + short_number(edges_[interval]);
}

std::vector<std::string> Slicer::interval_names() const {
  std::vector<std::string> names;
  if (!edges_.empty())
    for (std::size_t i = 0; i <= edges_.size(); ++i) names.push_back(interval_name(i));
  return names;
}

}  // namespace sluice::backtest
