#pragma once
// Converts a checked expression to nodes of the graph.

#include <cstddef>
#include <vector>

#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/definitions.h"
#include "sluice/rules/compile/graph.h"

namespace sluice::rules {

/// One operand of the outermost "&&"; the whole condition if it has none.
struct Conjunct {
  Edge truth = 0;
  std::size_t begin = 0, end = 0;  // the bytes of its text
};

struct Lowered {
  std::uint32_t value = 0;          // an edge for a bool, otherwise a number
  std::vector<Conjunct> conjuncts;  // in the order of the text; only for a bool
  std::vector<Read> reads;          // each once, in the order of the text
};

/// Adds `ast`, which must have passed check() without faults.
Lowered lower(const Ast& ast, const Definitions& definitions, Graph& graph);

}  // namespace sluice::rules
