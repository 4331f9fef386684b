#include "sluice/rules/analyze/regions.h"

#include <algorithm>
#include <set>

namespace sluice::rules {
namespace {

const Boxes kEverything = {Box{}};

std::size_t place(Truth truth) { return static_cast<std::size_t>(truth); }

Truth negated(Truth truth) {
  return truth == Truth::yes ? Truth::no : truth == Truth::no ? Truth::yes : Truth::missing;
}

}  // namespace

const std::optional<Boxes>& Regions::region(Edge edge, Truth truth) {
  if (edge / 2 != root_ || atoms_.empty()) solve(edge / 2);
  return solved(edge, truth);
}

const std::optional<Boxes>& Regions::solved(Edge edge, Truth truth) const {
  const auto& known = is_connective(state_.graph[edge / 2].step) ? solved_ : atoms_;
  return known.at(edge / 2)[place(edge & 1 ? negated(truth) : truth)];
}

/// `n` times every box of `a`.
bool Regions::spend(const Boxes& a, std::size_t n) {
  std::size_t steps = 0;
  for (const Box& box : a) steps += weight(box) * n;
  const bool is_enough = steps <= steps_;
  steps_ -= is_enough ? steps : steps_;
  return is_enough;
}

std::optional<Boxes> Regions::all(const std::optional<Boxes>& a, const std::optional<Boxes>& b) {
  if ((a && a->empty()) || (b && b->empty())) return Boxes{};
  if (!a || !b) return std::nullopt;
  const std::size_t n_pairs = a->size() * b->size();  // each is compared with the existing boxes
  return spend(*a, b->size() * (1 + std::min(n_pairs, max_boxes_) / 8)) ? intersected(*a, *b, max_boxes_)
                                                                        : std::nullopt;
}

std::optional<Boxes> Regions::any(const std::vector<std::optional<Boxes>>& parts) {
  std::optional<Boxes> result = Boxes{};
  for (const auto& part : parts)
    result = result && part && spend(*part, 1) ? united(std::move(*result), *part, max_boxes_) : std::nullopt;
  return result;
}

/// A node's operands have smaller numbers: in order, every truth finds its operands solved.
void Regions::solve(std::uint32_t root) {
  root_ = root;
  solved_.clear();
  std::set<std::uint32_t> needed;
  std::vector<std::uint32_t> open = {root};
  while (!open.empty()) {
    const std::uint32_t node = open.back();
    open.pop_back();
    if (!needed.insert(node).second) continue;
    if (is_connective(state_.graph[node].step))
      state_.graph.each_operand(node, [&](std::uint32_t operand) { open.push_back(operand); });
  }
  for (const std::uint32_t node : needed) {
    if (is_connective(state_.graph[node].step))
      solved_[node] = combine(node);
    else if (const auto [atom, is_new] = atoms_.try_emplace(node); is_new)
      atom->second = solve_atom(node);
  }
}

/// An atom that several columns decide counts as a variable of its own, with one cell per truth: it is the same
/// wherever it occurs.
Regions::ByTruth Regions::solve_atom(std::uint32_t node) {
  auto atom = variables_.atom(node);
  if (!atom) {
    const bool is_always_known = state_.graph[node].step == Step::known_number;
    const Cells none(is_always_known ? 2 : 3);
    atom = {static_cast<std::uint32_t>(variables_.all().size() + n_open_++), {none, none, Cells(none.size())}};
    for (std::size_t truth = 0; truth < none.size(); ++truth) atom->cells[truth].add(truth);
  }
  ByTruth regions = {kEverything, kEverything, kEverything};
  for (const Truth truth : {Truth::no, Truth::yes, Truth::missing}) {
    const Cells& cells = atom->cells[place(truth)];
    if (cells.is_empty())
      regions[place(truth)] = Boxes{};
    else if (!cells.is_all())
      regions[place(truth)] = Boxes{Box{{atom->variable, cells}}};
  }
  return regions;
}

Regions::ByTruth Regions::combine(std::uint32_t node) {
  const GraphNode& n = state_.graph[node];
  const auto yes = [&](Edge e) { return solved(e, Truth::yes); };
  const auto no = [&](Edge e) { return solved(e, Truth::no); };
  const auto missing = [&](Edge e) { return solved(e, Truth::missing); };
  const auto picked = [&](const auto& of) { return any({all(yes(n.a), of(n.b)), all(no(n.a), of(n.c))}); };
  const Boxes nothing;
  switch (n.step) {  // no, yes, missing
    case Step::truth:
      return {nothing, kEverything, nothing};
    case Step::both:
      return {any({no(n.a), no(n.b)}), all(yes(n.a), yes(n.b)),
              any({all(missing(n.a), missing(n.b)), all(missing(n.a), yes(n.b)), all(yes(n.a), missing(n.b))})};
    case Step::pick_truth:
      return {picked(no), picked(yes), any({missing(n.a), picked(missing)})};
    case Step::same_truth:
      return {any({all(yes(n.a), no(n.b)), all(no(n.a), yes(n.b))}),
              any({all(yes(n.a), yes(n.b)), all(no(n.a), no(n.b))}), any({missing(n.a), missing(n.b)})};
    case Step::known_truth:
      return {missing(n.a), any({yes(n.a), no(n.a)}), nothing};
    case Step::first_truth:
      return {any({no(n.a), all(missing(n.a), no(n.b))}), any({yes(n.a), all(missing(n.a), yes(n.b))}),
              all(missing(n.a), missing(n.b))};
    default:
      return {nothing, nothing, kEverything};
  }
}

}  // namespace sluice::rules
