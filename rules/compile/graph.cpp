#include "sluice/rules/compile/graph.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "sluice/rules/eval/arithmetic.h"

namespace sluice::rules {

Operands operands_of(Step step) {
  switch (step) {
    case Step::unknown:
    case Step::truth:
    case Step::constant:
    case Step::cell:
    case Step::given:
      return {};
    case Step::known_truth:
    case Step::output:
      return {1, 0};
    case Step::both:
    case Step::same_truth:
    case Step::first_truth:
      return {2, 0};
    case Step::pick_truth:
      return {3, 0};
    case Step::pick_number:
      return {1, 2};
    case Step::known_number:
    case Step::equal_constant:
    case Step::less_constant:
    case Step::less_equal_constant:
    case Step::in_set:
    case Step::truth_table:
    case Step::number_table:
      return {0, 1};
    default:
      return {0, step >= Step::negate && step <= Step::weekday ? 1 : 2};
  }
}

std::size_t Graph::Hash::operator()(const GraphNode& n) const {
  std::uint64_t hash = static_cast<std::uint64_t>(n.step);
  for (const std::uint64_t part : {std::uint64_t{n.a}, std::uint64_t{n.b}, std::uint64_t{n.c}, std::uint64_t{n.index},
                                   std::bit_cast<std::uint64_t>(n.constant)})
    hash = (hash ^ part ^ (hash >> 29)) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 32);
}

bool Graph::Same::operator()(const GraphNode& x, const GraphNode& y) const {
  return x.step == y.step && x.a == y.a && x.b == y.b && x.c == y.c && x.index == y.index &&
         std::bit_cast<std::uint64_t>(x.constant) == std::bit_cast<std::uint64_t>(y.constant);
}

Graph::Graph() {
  add({.step = Step::unknown});
  add({.step = Step::truth});
}

std::uint32_t Graph::add(const GraphNode& node) {
  const auto [found, is_new] = known_.try_emplace(node, static_cast<std::uint32_t>(nodes_.size()));
  if (is_new) nodes_.push_back(node);
  return found->second;
}

Number Graph::apply(Step step, Number a) {
  if (!is_constant(a)) return add({.step = step, .a = a});
  double result = kMissing;
  with_unary(step, [&]<Step known>() { result = rules::apply<known>(nodes_[a].constant); });
  return number(result);
}

Number Graph::apply(Step step, Number a, Number b) {
  if (!is_constant(a) || !is_constant(b)) return add({.step = step, .a = a, .b = b});
  double result = kMissing;
  with_binary(step, [&]<Step known>() { result = rules::apply<known>(nodes_[a].constant, nodes_[b].constant); });
  return number(result);
}

Number Graph::look_up(Number code, std::size_t table) {
  return add({.step = Step::number_table, .a = code, .index = static_cast<std::uint32_t>(table)});
}

Number Graph::pick(Edge condition, Number a, Number b) {
  if (condition == truth(true)) return a;
  if (condition == truth(false)) return b;
  return add({.step = Step::pick_number, .a = condition, .b = a, .c = b});
}

Edge Graph::both(Edge a, Edge b) {
  if (a == truth(false) || b == truth(false)) return truth(false);
  if (a == truth(true) || a == b) return b;
  if (b == truth(true)) return a;
  return edge({.step = Step::both, .a = std::min(a, b), .b = std::max(a, b)});
}

Edge Graph::pick_truth(Edge condition, Edge a, Edge b) {
  if (condition == truth(true)) return a;
  if (condition == truth(false)) return b;
  return edge({.step = Step::pick_truth, .a = condition, .b = a, .c = b});
}

Edge Graph::known(bool holds, Number a, Number b) const {
  return std::isunordered(nodes_[a].constant, nodes_[b].constant) ? unknown() : truth(holds);
}

Edge Graph::less(Number a, Number b) {
  if (is_constant(a) && is_constant(b)) return known(nodes_[a].constant < nodes_[b].constant, a, b);
  if (is_constant(b)) return edge({.step = Step::less_constant, .a = a, .constant = nodes_[b].constant});
  if (is_constant(a)) return edge({.step = Step::less_equal_constant, .a = b, .constant = nodes_[a].constant}) ^ 1;
  return edge({.step = Step::less, .a = a, .b = b});
}

Edge Graph::less_equal(Number a, Number b) {
  if (is_constant(a) && is_constant(b)) return known(nodes_[a].constant <= nodes_[b].constant, a, b);
  if (is_constant(b)) return edge({.step = Step::less_equal_constant, .a = a, .constant = nodes_[b].constant});
  if (is_constant(a)) return edge({.step = Step::less_constant, .a = b, .constant = nodes_[a].constant}) ^ 1;
  return edge({.step = Step::less_equal, .a = a, .b = b});
}

Edge Graph::equal(Number a, Number b) {
  if (is_constant(a) && is_constant(b)) return known(nodes_[a].constant == nodes_[b].constant, a, b);
  if (is_constant(a)) std::swap(a, b);
  if (is_constant(b)) return edge({.step = Step::equal_constant, .a = a, .constant = nodes_[b].constant});
  return edge({.step = Step::equal, .a = std::min(a, b), .b = std::max(a, b)});
}

namespace {

/// The index of `item` in `items`; it is appended if it is new.
template <class T>
std::uint32_t place_in(std::vector<T>& items, T item) {
  // A longer search would cost more than a duplicate.
  constexpr std::size_t kNearest = 64;
  const auto first = items.size() > kNearest ? items.end() - kNearest : items.begin();
  const auto found = std::find(first, items.end(), item);
  const auto place = static_cast<std::uint32_t>(found - items.begin());
  if (found == items.end()) items.push_back(std::move(item));
  return place;
}

}  // namespace

std::size_t Graph::add_set(NumberSet set) { return place_in(tables_.sets, std::move(set)); }

Edge Graph::in_set(Number a, std::size_t set) {
  return edge({.step = Step::in_set, .a = a, .index = static_cast<std::uint32_t>(set)});
}

Edge Graph::truth_table(Number code, std::vector<bool> table) {
  return edge({.step = Step::truth_table, .a = code, .index = place_in(tables_.truths, std::move(table))});
}

Edge Graph::same_word(Number a, Number b, WordPair pair) {
  const std::uint32_t place = place_in(tables_.word_pairs, std::move(pair));
  return edge({.step = Step::same_word, .a = a, .b = b, .index = place});
}

std::size_t Graph::add_numbers(std::vector<double> table) { return place_in(tables_.numbers, std::move(table)); }

}  // namespace sluice::rules
