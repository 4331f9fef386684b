#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

#include "sluice/rules/eval/program.h"

namespace sluice::rules {
namespace {

/// Allocates the lowest free register.
class Registers {
 public:
  std::uint16_t take() {
    if (free_.empty()) return static_cast<std::uint16_t>(n_++);
    const std::uint16_t lowest = free_.top();
    free_.pop();
    return lowest;
  }
  void give_back(std::uint16_t reg) { free_.push(reg); }
  std::size_t most() const { return n_; }

 private:
  std::priority_queue<std::uint16_t, std::vector<std::uint16_t>, std::greater<>> free_;
  std::size_t n_ = 0;
};

std::size_t cost_of(Step step) {
  switch (step) {
    case Step::year:
    case Step::month:
    case Step::day:
      return 10;
    case Step::in_set:
    case Step::divide:
    case Step::modulo:
    case Step::to_money:
    case Step::round:
    case Step::hour:
    case Step::weekday:
    case Step::same_word:
      return 4;
    default:
      return 1;
  }
}

}  // namespace

template <class Seen>
void Scheduler::each_read(const Place& place, Seen&& seen) const {
  if (place.is_output)
    seen(roots_[place.root] / 2);
  else
    graph_.each_operand(place.node, seen);
}

std::optional<Program> Scheduler::schedule(std::span<const Edge> roots, bool is_for_row) {
  roots_ = roots;
  Program program;
  if (!append(0, roots.size(), is_for_row, program)) return std::nullopt;
  for (std::uint32_t i = 0; i < program.code.size(); ++i)
    if (i > 0 && program.code[i].step == program.code[i - 1].step)
      ++program.runs.back().end;
    else
      program.runs.push_back({i, i + 1});
  return program;
}

/// Appends the roots [begin, end); halves the range until each half fits. False if a single root does not fit.
bool Scheduler::append(std::size_t begin, std::size_t end, bool is_for_row, Program& program) {
  if (begin == end) return true;
  order(begin, end);
  if (is_for_row) group();
  if (emit(program, is_for_row ? kRowLimits : kBatchLimits, !is_for_row)) return true;
  if (end - begin == 1) return is_for_row && append(begin, end, false, program);
  const std::size_t middle = begin + (end - begin) / 2;
  return append(begin, middle, is_for_row, program) && append(middle, end, is_for_row, program);
}

/// By depth, then by step; the outputs last, in order.
void Scheduler::group() {
  for (const Place& place : order_) {
    if (place.is_output) continue;
    std::uint32_t depth = 0;
    graph_.each_operand(place.node, [&](std::uint32_t operand) { depth = std::max(depth, depths_[operand] + 1); });
    depths_[place.node] = depth;
  }
  const auto key = [&](const Place& place) {
    return place.is_output ? std::tuple(true, std::uint32_t{0}, Step::output)
                           : std::tuple(false, depths_[place.node], graph_[place.node].step);
  };
  std::stable_sort(order_.begin(), order_.end(), [&](const Place& a, const Place& b) { return key(a) < key(b); });
}

/// Depth first, so that a value is read soon after it is computed.
void Scheduler::order(std::size_t begin, std::size_t end) {
  order_.clear();
  ++mark_;
  struct Open {
    std::uint32_t node;
    bool has_operands;  // its operands are in order
  };
  std::vector<Open> open;
  for (std::size_t root = begin; root < end; ++root) {
    open.push_back({roots_[root] / 2, false});
    while (!open.empty()) {
      const auto [node, has_operands] = open.back();
      open.pop_back();
      if (has_operands) {
        order_.push_back({.node = node});
      } else if (marks_[node] != mark_) {
        marks_[node] = mark_;
        open.push_back({node, true});
        const auto first = static_cast<std::ptrdiff_t>(open.size());
        graph_.each_operand(node, [&](std::uint32_t operand) { open.push_back({operand, false}); });
        std::reverse(open.begin() + first, open.end());
      }
    }
    order_.push_back({.root = static_cast<std::uint32_t>(root), .is_output = true});
  }
}

/// False, with nothing added, if the registers do not suffice.
bool Scheduler::emit(Program& program, const Limits& limits, bool reuse) {
  const std::size_t n_before = program.code.size();
  for (std::size_t i = 0; i < order_.size(); ++i) each_read(order_[i], [&](std::uint32_t n) { last_use_[n] = i; });
  Registers numbers, truths;
  // The nodes that an instruction reads last; each once, even if the instruction reads it as two operands.
  std::vector<std::uint32_t> ended;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    Instruction instruction = instruction_of(order_[i]);
    ended.clear();
    each_read(order_[i], [&](std::uint32_t node) {
      if (last_use_[node] == i && std::find(ended.begin(), ended.end(), node) == ended.end()) ended.push_back(node);
    });
    for (const std::uint32_t node : ended)
      if (reuse) (is_truth(graph_[node].step) ? truths : numbers).give_back(registers_[node]);
    if (!order_[i].is_output) {
      instruction.out = (is_truth(instruction.step) ? truths : numbers).take();
      registers_[order_[i].node] = instruction.out;
    }
    if (numbers.most() > limits.numbers || truths.most() > limits.truths) return program.code.resize(n_before), false;
    program.code.push_back(instruction);
  }
  return true;
}

Instruction Scheduler::instruction_of(const Place& place) const {
  if (place.is_output) return {.a = truth_register(roots_[place.root]), .index = place.root};
  const GraphNode& node = graph_[place.node];
  Instruction instruction{.step = node.step, .index = node.index, .constant = node.constant};
  const std::uint32_t operands[] = {node.a, node.b, node.c};
  std::uint16_t* const targets[] = {&instruction.a, &instruction.b, &instruction.c};
  const Operands counts = operands_of(node.step);
  for (int i = 0; i < counts.truths + counts.numbers; ++i)
    *targets[i] = i < counts.truths ? truth_register(operands[i]) : registers_[operands[i]];
  return instruction;
}

std::uint16_t Scheduler::truth_register(Edge edge) const {
  return static_cast<std::uint16_t>(2 * registers_[edge / 2] + (edge & 1));
}

std::size_t cost_of(const Program& program) {
  std::size_t cost = 0;
  for (const Instruction& instruction : program.code) cost += cost_of(instruction.step);
  return cost;
}

}  // namespace sluice::rules
