#include "sluice/rules/eval/arithmetic.h"

#include <chrono>

namespace sluice::rules {
namespace {

constexpr double kDay = 86400;

double day_number(double seconds) { return std::floor(seconds / kDay); }

}  // namespace

CalendarDay calendar_day(double seconds) {
  if (std::isnan(to_time(seconds))) return {kMissing, kMissing, kMissing};
  const std::chrono::sys_days day{std::chrono::days(static_cast<int>(day_number(seconds)))};
  const std::chrono::year_month_day date(day);
  return {static_cast<double>(static_cast<int>(date.year())), static_cast<double>(static_cast<unsigned>(date.month())),
          static_cast<double>(static_cast<unsigned>(date.day()))};
}

double hour_of(double seconds) {
  if (std::isnan(to_time(seconds))) return kMissing;
  return std::floor((seconds - day_number(seconds) * kDay) / 3600);
}

double weekday_of(double seconds) {
  if (std::isnan(to_time(seconds))) return kMissing;
  const double since_monday = std::fmod(day_number(seconds) + 3, 7);  // 1970-01-01 was a Thursday
  return since_monday < 0 ? since_monday + 8 : since_monday + 1;
}

}  // namespace sluice::rules
