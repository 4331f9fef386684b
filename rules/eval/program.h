#pragma once
// A graph's nodes in the order in which they are evaluated, each with a register.
//
// There are two orders. Batches use depth first: a register is free after the last use, so that 64 rows of all
// registers stay in the cache. Single rows use depth, then step: equal steps are adjacent, and the machine dispatches
// once for all of them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sluice/rules/compile/graph.h"

namespace sluice::rules {

/// Registers.
struct Limits {
  std::size_t numbers, truths;
};
constexpr Limits kBatchLimits = {128, 512};  // 64 rows of them need 72 KiB of stack
constexpr Limits kRowLimits = {4096, 8192};  // one row needs 48 KiB

struct Instruction {
  Step step = Step::output;
  // registers; a truth's is an edge: twice its register, plus one if negated
  std::uint16_t out = 0, a = 0, b = 0, c = 0;
  std::uint32_t index = 0;  // for an output, its index among the roots
  double constant = 0;
};
static_assert(sizeof(Instruction) == 24);

/// Instructions [begin, end) of one step.
struct Run {
  std::uint32_t begin = 0, end = 0;
};

struct Program {
  std::vector<Instruction> code;
  std::vector<Run> runs;  // all of the code
};

/// The programs for the truths of `roots`, in their order. An expression that several roots use is evaluated once, as
/// far as the registers suffice. nullopt if one root alone needs more registers than there are.
class Scheduler {
 public:
  explicit Scheduler(const Graph& graph)
      : graph_(graph), marks_(graph.size()), depths_(graph.size()), last_use_(graph.size()), registers_(graph.size()) {}

  std::optional<Program> for_batch(std::span<const Edge> roots) { return schedule(roots, false); }
  std::optional<Program> for_row(std::span<const Edge> roots) { return schedule(roots, true); }

 private:
  /// One step of the order: a node, or the output of the root at `root`.
  struct Place {
    std::uint32_t node = 0, root = 0;
    bool is_output = false;
  };

  std::optional<Program> schedule(std::span<const Edge> roots, bool is_for_row);
  bool append(std::size_t begin, std::size_t end, bool is_for_row, Program& program);
  void order(std::size_t begin, std::size_t end);
  void group();
  bool emit(Program& program, const Limits& limits, bool reuse);
  Instruction instruction_of(const Place& place) const;
  std::uint16_t truth_register(Edge edge) const;
  template <class Seen>
  void each_read(const Place& place, Seen&& seen) const;

  const Graph& graph_;
  std::span<const Edge> roots_;
  std::vector<std::uint32_t> marks_;  // for each node, the range of roots that includes it
  std::vector<std::uint32_t> depths_;
  std::vector<std::size_t> last_use_;
  std::vector<std::uint16_t> registers_;
  std::vector<Place> order_;
  std::uint32_t mark_ = 0;
};

/// The cost of a program, in units of about a nanosecond for one row; docs/rules.md has the cost of each operation.
std::size_t cost_of(const Program& program);

}  // namespace sluice::rules
