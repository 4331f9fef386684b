#pragma once
// Text to syntax tree. The grammar:
//
//   conditional = or [ "?" conditional ":" conditional ]
//   or          = and { "||" and }
//   and         = relation { "&&" relation }
//   relation    = sum { ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum
//                     | "in" ( "[" literal { "," literal } "]" | name ) }
//   sum         = product { ( "+" | "-" ) product }
//   product     = unary { ( "*" | "/" | "%" ) unary }
//   unary       = ( "!" | "-" ) unary
//               | primary { "." function "(" [ arguments ] ")" }
//   primary     = number [ unit ] | text | "true" | "false" | name
//               | function "(" [ arguments ] ")"
//               | "(" conditional ")"
//   arguments   = conditional { "," conditional }
//
// x.f(y) is f(x, y).

#include <optional>
#include <string_view>

#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/faults.h"

namespace sluice::rules {

constexpr std::size_t kMaxNodes = 10'000;  // limits the cost of one condition
constexpr int kMaxNesting = 100;

/// nullopt after reporting the first fault: text after a syntax error cannot be parsed reliably.
std::optional<Ast> parse(std::string_view text, Faults& faults);

}  // namespace sluice::rules
