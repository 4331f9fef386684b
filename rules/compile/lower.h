#pragma once
// A checked expression to nodes of the graph.

#include <cstddef>
#include <vector>

#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/definitions.h"
#include "sluice/rules/compile/graph.h"

namespace sluice::rules {

/// One operand of the outermost "&&"; the whole condition where there is none.
struct Conjunct {
  Edge truth = 0;
  std::size_t begin = 0, end = 0;  // the bytes of its text
};

struct Lowered {
  std::uint32_t value = 0;          // of a bool an edge, else a number
  std::vector<Conjunct> conjuncts;  // in the order of the text; of a bool alone
  std::vector<Read> reads;          // each once, in the order of the text
};

/// Adds `ast`, which check() has passed without a fault.
Lowered lower(const Ast& ast, const Definitions& definitions, Graph& graph);

}  // namespace sluice::rules
