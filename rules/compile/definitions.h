#pragma once
// A document's named definitions: constants, lists, derived fields.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/graph.h"

namespace sluice::rules {

/// A column (Op::cell) or given value (Op::given) that an expression reads.
struct Read {
  Op source = Op::cell;
  std::size_t index = 0;
  bool operator==(const Read&) const = default;
};

struct List {
  Type type;
  std::size_t set = 0;  // index in the graph's tables
};

struct Derived {
  Type type;
  std::uint32_t value = 0;  // a number, or the edge of a bool
  std::vector<Read> reads;
};

/// By name; names differ from each other and from the columns.
struct Definitions {
  std::map<std::string, Node, std::less<>> constants;  // literals
  std::map<std::string, List, std::less<>> lists;
  std::map<std::string, std::size_t, std::less<>> derived_names;
  std::vector<Derived> derived;
};

}  // namespace sluice::rules
