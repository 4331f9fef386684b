#pragma once
// The functions: their names, arguments and results.

#include <string>
#include <string_view>

#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/faults.h"
#include "sluice/rules/compile/units.h"

namespace sluice::rules {

class FunctionChecker {
 public:
  /// `n_patterns` is the document's count so far; this class adds to it.
  FunctionChecker(Ast& ast, Unifier& unify, Faults& faults, std::size_t& n_patterns)
      : ast_(ast), unify_(unify), faults_(faults), n_patterns_(n_patterns) {}

  /// Sets the node's operator and returns its type; invalid after a fault.
  Type check(Node& node);

 private:
  Type is_missing(Node& node);
  Type number(Node& node);
  Type conversion(Node& node);
  Type duration(Node& node);
  Type calendar(Node& node);
  Type words(Node& node);
  bool takes_text(Node& node);
  bool is_pattern(const Node& text);
  Type fault(const char* kind, std::size_t at, std::string message, std::string hint = {});
  Node& child(const Node& node, std::size_t i) { return ast_.nodes[node.children[i]]; }

  Ast& ast_;
  Unifier& unify_;
  Faults& faults_;
  std::size_t& n_patterns_;
};

}  // namespace sluice::rules
