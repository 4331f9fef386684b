#pragma once
// A checked expression to instructions.

#include <cstddef>
#include <vector>

#include "sluice/base/schema.h"
#include "sluice/rules/ast.h"
#include "sluice/rules/faults.h"
#include "sluice/rules/program.h"

namespace sluice::rules {

/// One operand of the outermost "&&"; the whole condition where there is none.
struct Conjunct {
  CodeRange code;
  std::size_t begin = 0, end = 0;  // the bytes of its text
};

/// A column (Op::cell) or model output (Op::model) that a condition reads.
struct Read {
  Op source = Op::cell;
  std::size_t index = 0;
  bool operator==(const Read&) const = default;
};

struct Condition {
  CodeRange code;
  std::vector<Conjunct> conjuncts;  // in the order of the text
  std::vector<Read> reads;          // each once, in the order of the text
};

/// Appends the instructions of `ast`, which check() has passed without a fault. Reports an expression that needs too
/// large a stack.
Condition lower(const Ast& ast, Program& program, Faults& faults);

}  // namespace sluice::rules
