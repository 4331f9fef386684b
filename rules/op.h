#pragma once
// What an expression can do: operators, functions, and the instructions that have no text of their own.

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
  // functions
  is_missing, coalesce, abs, min, max, floor, round,
  // instructions that push a value
  constant, cell, model,
  // a cell compared with a constant in one step; in the order of the comparisons above
  cell_equal, cell_not_equal, cell_less, cell_less_equal, cell_greater, cell_greater_equal,
  // two category columns with vocabularies of their own
  same_word, other_word,
};
// clang-format on

constexpr bool is_comparison(Op op) { return op >= Op::equal && op <= Op::greater_equal; }

}  // namespace sluice::rules
