#pragma once
// The rows on which a condition is true, false or missing, as boxes over the variables that a rule set reads.

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "sluice/rules/analyze/boxes.h"
#include "sluice/rules/compile/variables.h"
#include "sluice/rules/eval/state.h"

namespace sluice::rules {

class Regions {
 public:
  /// `steps`: the number of pairs of boxes that all regions together may compare.
  Regions(const RuleSet::State& state, std::size_t max_boxes, std::size_t steps)
      : state_(state), max_boxes_(max_boxes), steps_(steps), variables_(state) {}

  const Variables& variables() const { return variables_; }

  /// The rows for which the truth at `edge` is `truth`, valid until the next call. If it reads an inexact atom, the
  /// region is larger: these rows may qualify. nullopt if it needs too many boxes.
  const std::optional<Boxes>& region(Edge edge, Truth truth);

  /// The rows for which one of two conditions holds, under the same limit.
  std::optional<Boxes> any(const std::vector<std::optional<Boxes>>& parts);

 private:
  using ByTruth = std::array<std::optional<Boxes>, 3>;

  void solve(std::uint32_t root);
  ByTruth solve_atom(std::uint32_t node);
  ByTruth combine(std::uint32_t node);
  const std::optional<Boxes>& solved(Edge edge, Truth truth) const;
  std::optional<Boxes> all(const std::optional<Boxes>& a, const std::optional<Boxes>& b);
  bool spend(const Boxes& a, std::size_t n);

  const RuleSet::State& state_;
  std::size_t max_boxes_, steps_;
  Variables variables_;
  std::map<std::uint32_t, ByTruth> atoms_;   // all that were queried
  std::map<std::uint32_t, ByTruth> solved_;  // the connectives below the last root
  std::uint32_t root_ = 0;
  std::uint32_t n_open_ = 0;  // atoms that several columns decide
};

}  // namespace sluice::rules
