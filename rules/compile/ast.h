#pragma once
// An expression as a list of nodes in post-order: children precede their parent, and a subtree is a contiguous range.
// Checking and lowering are therefore loops, not recursions: no expression is deep enough to overflow a stack.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/rules/compile/type.h"
#include "sluice/rules/eval/op.h"

namespace sluice::rules {

enum class NodeKind : std::uint8_t { boolean, number, text, time, name, list, operation, call };

struct Node {
  NodeKind kind = NodeKind::number;
  Op op = Op::none;                   // of an operation or call; for a name, its meaning
  std::size_t begin = 0, end = 0;     // the bytes of its text
  std::size_t at = 0;                 // the byte to point at: an operator's position, else `begin`
  std::vector<std::size_t> children;  // for `in`: the tested value, then the list's literals or a named list
  std::string text;                   // a text's content; a name, also of a list; a call's function
  double value = 0;                   // a literal's number; true is 1
  bool is_integral = false;           // a number written without a point: an int next to an int

  // Filled by check():
  Type type;
  // A name's column; its index among the given values, or among the derived fields; a list's set.
  std::size_t index = 0;
  double scale = 1;  // seconds in one unit of the value, if two durations of different units meet
  bool is_literal() const { return kind <= NodeKind::time; }
};

struct Ast {
  std::vector<Node> nodes;  // the last is the root
};

}  // namespace sluice::rules
