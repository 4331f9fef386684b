#pragma once
// Searches for a row in several regions at once.

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

/// Uses a bounded number of steps of about 10 ns each.
class Search {
 public:
  Search(const std::vector<Variable>& variables, std::size_t n_columns)
      : variables_(variables), n_columns_(n_columns) {}

  /// The step limit of all following questions together.
  void allow(std::size_t steps) { steps_ = steps; }

  /// A row in every one of `regions` that `confirms` accepts. Regions may contain rows that do not qualify: `none` is
  /// proved only if there is no common box, and unconfirmed candidates lead to `gave_up`. Each confirmation costs
  /// `steps_to_confirm`.
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
