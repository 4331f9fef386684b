#pragma once
// Looks for a row in several regions at once.

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "sluice/rules/analyze/boxes.h"
#include "sluice/rules/compile/variables.h"

namespace sluice::rules {

struct Witness {
  std::vector<double> row;
  ModelOutputs given;
};

enum class Answer { found, none, gave_up };  // none: proved

/// Takes a bounded number of steps, of about 10 ns each.
class Search {
 public:
  Search(const std::vector<Variable>& variables, std::size_t n_columns)
      : variables_(variables), n_columns_(n_columns) {}

  /// What the questions from here on may take together.
  void allow(std::size_t steps) { steps_ = steps; }

  /// A row of every one of `regions` that `confirms` says yes to. Regions may hold rows that are not meant: `none` is
  /// proved only by there being no common box, and candidates that are not confirmed lead to `gave_up`. To confirm
  /// takes `steps_to_confirm`.
  Answer find(std::vector<const Boxes*> regions, std::size_t steps_to_confirm,
              const std::function<bool(const Witness&)>& confirms);

  const Witness& witness() const { return witness_; }  // of the last `found`
  bool is_exhausted() const { return steps_ == 0; }

 private:
  bool spend(std::size_t steps);
  bool try_box(const Box& box, std::size_t steps_to_confirm, const std::function<bool(const Witness&)>& confirms);
  void fill(const Box& box, std::size_t attempt);
  double value_in(const Variable& variable, const Cells& allowed, std::size_t attempt);

  const std::vector<Variable>& variables_;
  std::size_t n_columns_, steps_ = 0;
  Witness witness_;
  std::uint64_t random_ = 0;
};

}  // namespace sluice::rules
