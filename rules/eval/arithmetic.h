#pragma once
// The arithmetic of each step: one function for single rows, batches and constants in compilation.

#include <cmath>
#include <limits>

#include "sluice/rules/compile/graph.h"

namespace sluice::rules {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kMaxWhole = 9007199254740991;  // 2^53 - 1: a sum beyond it is never rounded back into range
constexpr double kMoneyScale = 1e4;             // ISO 4217 has no currency with more than four decimals
constexpr double kFirstTime = -62135596800, kLastTime = 253402300799;  // years 0001 to 9999

inline double to_whole(double x) { return std::fabs(x) <= kMaxWhole ? x : kMissing; }
/// The double nearest to the amount in whole ten-thousandths; missing if these exceed 2^53.
inline double to_money(double x) {
  return std::fabs(x) <= kMaxWhole / kMoneyScale ? std::round(x * kMoneyScale) / kMoneyScale : kMissing;
}
inline double to_time(double x) { return x >= kFirstTime && x < kLastTime + 1 ? x : kMissing; }

struct CalendarDay {
  double year, month, day;
};
/// The proleptic Gregorian day of a time in UTC.
CalendarDay calendar_day(double seconds);
double hour_of(double seconds);
double weekday_of(double seconds);  // 1 Monday ... 7 Sunday (ISO 8601)

template <Step step>
double apply(double a) {
  if constexpr (step == Step::negate) return -a;
  if constexpr (step == Step::abs) return std::fabs(a);
  if constexpr (step == Step::floor) return std::floor(a);
  if constexpr (step == Step::round) return std::round(a);
  if constexpr (step == Step::truncate) return std::trunc(a);
  if constexpr (step == Step::to_whole) return to_whole(a);
  if constexpr (step == Step::to_money) return to_money(a);
  if constexpr (step == Step::to_time) return to_time(a);
  if constexpr (step == Step::year) return calendar_day(a).year;
  if constexpr (step == Step::month) return calendar_day(a).month;
  if constexpr (step == Step::day) return calendar_day(a).day;
  if constexpr (step == Step::hour) return hour_of(a);
  if constexpr (step == Step::weekday) return weekday_of(a);
}

template <Step step>
double apply(double a, double b) {
  if constexpr (step == Step::add) return a + b;
  if constexpr (step == Step::subtract) return a - b;
  if constexpr (step == Step::multiply) return a * b;
  if constexpr (step == Step::divide) return b == 0.0 ? kMissing : a / b;
  if constexpr (step == Step::modulo) return std::fmod(a, b);  // NaN if the divisor is 0
  if constexpr (step == Step::min) return std::isunordered(a, b) ? kMissing : b < a ? b : a;
  if constexpr (step == Step::max) return std::isunordered(a, b) ? kMissing : b > a ? b : a;
  if constexpr (step == Step::first_number) return std::isnan(a) ? b : a;
}

/// Calls f.template operator()<step>() for a step of one number; false for other steps.
template <class F>
bool with_unary(Step step, F&& f) {
  // clang-format off
  switch (step) {
    case Step::negate: f.template operator()<Step::negate>(); return true;
    case Step::abs: f.template operator()<Step::abs>(); return true;
    case Step::floor: f.template operator()<Step::floor>(); return true;
    case Step::round: f.template operator()<Step::round>(); return true;
    case Step::truncate: f.template operator()<Step::truncate>(); return true;
    case Step::to_whole: f.template operator()<Step::to_whole>(); return true;
    case Step::to_money: f.template operator()<Step::to_money>(); return true;
    case Step::to_time: f.template operator()<Step::to_time>(); return true;
    case Step::year: f.template operator()<Step::year>(); return true;
    case Step::month: f.template operator()<Step::month>(); return true;
    case Step::day: f.template operator()<Step::day>(); return true;
    case Step::hour: f.template operator()<Step::hour>(); return true;
    case Step::weekday: f.template operator()<Step::weekday>(); return true;
    default: return false;
  }
  // clang-format on
}

/// The same for a step of two numbers.
template <class F>
bool with_binary(Step step, F&& f) {
  // clang-format off
  switch (step) {
    case Step::add: f.template operator()<Step::add>(); return true;
    case Step::subtract: f.template operator()<Step::subtract>(); return true;
    case Step::multiply: f.template operator()<Step::multiply>(); return true;
    case Step::divide: f.template operator()<Step::divide>(); return true;
    case Step::modulo: f.template operator()<Step::modulo>(); return true;
    case Step::min: f.template operator()<Step::min>(); return true;
    case Step::max: f.template operator()<Step::max>(); return true;
    case Step::first_number: f.template operator()<Step::first_number>(); return true;
    default: return false;
  }
  // clang-format on
}

}  // namespace sluice::rules
