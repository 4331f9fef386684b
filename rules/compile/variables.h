#pragma once
// The variables of a rule set, each divided into cells within which no comparison with a constant changes.

#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "sluice/rules/analyze/boxes.h"
#include "sluice/rules/eval/state.h"

namespace sluice::rules {

/// A column or a given value, and one value of each of its cells; the last cell is "missing".
struct Variable {
  Op source = Op::cell;
  std::size_t index = 0;
  std::vector<double> values;
  bool is_ordered = false;  // a number or a time: the cells between its bounds contain other values too
  double lowest = -HUGE_VAL, highest = HUGE_VAL;
};

/// The connectives of Kleene's logic; every other truth is an atom.
bool is_connective(Step step);

class Variables {
 public:
  explicit Variables(const RuleSet::State& state);

  const std::vector<Variable>& all() const { return variables_; }

  struct Atom {
    std::uint32_t variable = 0;
    std::array<Cells, 3> cells;  // by Truth
  };
  /// The cells that decide an atom; nullopt if it reads several variables, calculates, or needs too many registers.
  std::optional<Atom> atom(std::uint32_t node);

 private:
  void offer_member(std::uint32_t node, std::vector<std::vector<double>>& bounds) const;
  std::vector<std::uint32_t> below(std::uint32_t node) const;
  std::optional<std::uint32_t> only_variable(const std::vector<std::uint32_t>& nodes) const;
  bool is_plain(std::uint32_t node) const;
  void bounds_of(std::uint32_t node, std::vector<double>& bounds) const;
  void make_cells(Variable& variable, std::vector<double> bounds) const;
  const Column* category(const Variable& variable) const;

  const RuleSet::State& state_;
  Scheduler scheduler_;
  std::vector<Variable> variables_;
  std::map<std::uint32_t, std::uint32_t> of_leaf_;
};

}  // namespace sluice::rules
