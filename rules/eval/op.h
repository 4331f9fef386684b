#pragma once
// The operations of expressions: operators, and functions with their own names.

#include <cstdint>

namespace sluice::rules {

// clang-format off
enum class Op : std::uint8_t {
  // logic, Kleene's
  logical_not, logical_and, logical_or, conditional,
  // comparisons
  equal, not_equal, less, less_equal, greater, greater_equal, in,
  // arithmetic
  negate, add, subtract, multiply, divide, modulo,
  // functions of values
  is_missing, coalesce, abs, min, max, floor, round, to_int, to_double,
  // functions of times and durations
  year, month, day, hour, weekday, seconds, minutes, hours, days,
  // functions of words
  starts_with, ends_with, contains, matches, lower, upper, size,
  // two category columns with different vocabularies
  same_word, other_word,
  // the meanings of a name
  none, cell, given, derived,
};
// clang-format on

constexpr bool is_comparison(Op op) { return op >= Op::equal && op <= Op::greater_equal; }

}  // namespace sluice::rules
