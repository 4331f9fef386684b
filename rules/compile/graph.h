#pragma once
// All expressions of a rule set as one graph, in which equal expressions are one node.
//
// A node is a number or a truth. A truth is referred to by an edge: twice its node, plus one if negated. So "not" is
// free, "or" is an "and" of negations, and >= is a negated <. All of this holds in Kleene's logic too.

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sluice/rules/analyze/number_set.h"

namespace sluice::rules {

// clang-format off
enum class Step : std::uint8_t {
  // truths; `constant` is the right operand of the steps with that name
  unknown, truth, both, pick_truth, same_truth, known_truth, first_truth,
  known_number, equal, less, less_equal, equal_constant, less_constant, less_equal_constant, in_set, truth_table, same_word,
  // numbers; NaN is missing, categories and ids and times are their cells
  constant, cell, given, pick_number,
  negate, abs, floor, round, truncate, to_whole, to_money, to_time, year, month, day, hour, weekday,
  add, subtract, multiply, divide, modulo, min, max, first_number, number_table,
  // outputs a truth of the program
  output,
};
// clang-format on

constexpr bool is_truth(Step step) { return step <= Step::same_word; }

using Number = std::uint32_t;  // a node
using Edge = std::uint32_t;

struct GraphNode {
  Step step = Step::unknown;
  std::uint32_t a = 0, b = 0, c = 0;  // operands: numbers as nodes, truths as edges
  std::uint32_t index = 0;            // a column, a given value, a set, a table or a word pair
  double constant = 0;
};

/// The words of two vocabularies, a's and b's, compared through their codes.
struct WordPair {
  std::vector<std::int32_t> b_in_a;  // a's code of each word of b; -1 if a does not have it
  std::vector<bool> a_in_b;          // for each word of a, whether b has it
  bool operator==(const WordPair&) const = default;
};

struct Tables {
  std::vector<NumberSet> sets;
  std::vector<std::vector<bool>> truths;  // by a word's code; a word outside the vocabulary is unknown
  std::vector<std::vector<double>> numbers;
  std::vector<WordPair> word_pairs;
};

class Graph {
 public:
  Graph();

  Number number(double value) { return add({.step = Step::constant, .constant = value}); }
  Number cell(std::size_t column) { return add({.step = Step::cell, .index = static_cast<std::uint32_t>(column)}); }
  Number given(std::size_t which) { return add({.step = Step::given, .index = static_cast<std::uint32_t>(which)}); }
  /// Steps of one and of two numbers; computed at once if the operands are constant.
  Number apply(Step step, Number a);
  Number apply(Step step, Number a, Number b);
  Number look_up(Number code, std::size_t table);
  Number pick(Edge condition, Number a, Number b);

  static Edge truth(bool value) { return value ? 2 : 3; }
  static Edge unknown() { return 0; }
  Edge both(Edge a, Edge b);
  Edge either(Edge a, Edge b) { return both(a ^ 1, b ^ 1) ^ 1; }
  Edge less(Number a, Number b);
  Edge less_equal(Number a, Number b);
  Edge equal(Number a, Number b);
  Edge same_truth(Edge a, Edge b) { return edge({.step = Step::same_truth, .a = a, .b = b}); }
  Edge is_missing_number(Number a) { return edge({.step = Step::known_number, .a = a}) ^ 1; }
  Edge is_missing_truth(Edge a) { return edge({.step = Step::known_truth, .a = a & ~1u}) ^ 1; }
  Edge first_truth(Edge a, Edge b) { return edge({.step = Step::first_truth, .a = a, .b = b}); }
  Edge pick_truth(Edge condition, Edge a, Edge b);
  std::size_t add_set(NumberSet set);
  Edge in_set(Number a, std::size_t set);
  Edge truth_table(Number code, std::vector<bool> table);
  Edge same_word(Number a, Number b, WordPair pair);
  std::size_t add_numbers(std::vector<double> table);

  const GraphNode& operator[](std::uint32_t node) const { return nodes_[node]; }
  std::size_t size() const { return nodes_.size(); }
  const Tables& tables() const { return tables_; }

  /// The operands of a node: calls seen(node) for each.
  template <class Seen>
  void each_operand(std::uint32_t node, Seen&& seen) const;

 private:
  struct Hash {
    std::size_t operator()(const GraphNode& node) const;
  };
  struct Same {
    bool operator()(const GraphNode& a, const GraphNode& b) const;
  };

  std::uint32_t add(const GraphNode& node);
  Edge known(bool holds, Number a, Number b) const;
  Edge edge(const GraphNode& node) { return 2 * add(node); }
  bool is_constant(Number a) const { return nodes_[a].step == Step::constant; }

  std::vector<GraphNode> nodes_;
  std::unordered_map<GraphNode, std::uint32_t, Hash, Same> known_;
  Tables tables_;
};

/// The number of numbers and truths that a step reads; truths come first in a, b, c.
struct Operands {
  int truths = 0, numbers = 0;
};
Operands operands_of(Step step);

template <class Seen>
void Graph::each_operand(std::uint32_t node, Seen&& seen) const {
  const GraphNode& n = nodes_[node];
  const std::uint32_t operands[] = {n.a, n.b, n.c};
  const Operands counts = operands_of(n.step);
  for (int i = 0; i < counts.truths + counts.numbers; ++i) seen(i < counts.truths ? operands[i] / 2 : operands[i]);
}

}  // namespace sluice::rules
