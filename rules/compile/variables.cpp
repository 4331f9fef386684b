#include "sluice/rules/compile/variables.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "sluice/rules/eval/machine.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxCells = 1000;    // per vocabulary or list; larger ones are not divided
constexpr std::size_t kProbabilities = 3;  // the first given values are in [0, 1]

/// A value strictly between, whole if possible; NaN if no double is between.
double between(double low, double high) {
  double middle = low / 2 + high / 2;
  if (std::isinf(low))
    middle = std::isinf(high) ? 0 : high - 1;
  else if (std::isinf(high))
    middle = low + 1;
  for (const double x : {std::round(middle), middle, std::nextafter(low, high)})
    if (low < x && x < high) return x;
  return kMissing;
}

}  // namespace

bool is_connective(Step step) {
  switch (step) {
    case Step::unknown:
    case Step::truth:
    case Step::both:
    case Step::pick_truth:
    case Step::same_truth:
    case Step::known_truth:
    case Step::first_truth:
      return true;
    default:
      return false;
  }
}

Variables::Variables(const RuleSet::State& state) : state_(state), scheduler_(state.graph) {
  std::set<std::uint32_t> used;
  for (const Lowered& condition : state.conditions)
    for (const std::uint32_t node : below(condition.value / 2)) used.insert(node);
  for (const std::uint32_t node : used) {
    const GraphNode& leaf = state.graph[node];
    if (leaf.step != Step::cell && leaf.step != Step::given) continue;
    of_leaf_[node] = static_cast<std::uint32_t>(variables_.size());
    variables_.push_back({.source = leaf.step == Step::cell ? Op::cell : Op::given, .index = leaf.index});
  }
  std::vector<std::vector<double>> bounds(variables_.size());
  for (const std::uint32_t node : used) {
    offer_member(node, bounds);
    if (!is_truth(state.graph[node].step) || is_connective(state.graph[node].step)) continue;
    const auto nodes = below(node);
    const auto variable = only_variable(nodes);
    if (!variable || !std::all_of(nodes.begin(), nodes.end(), [&](auto n) { return is_plain(n); })) continue;
    for (const std::uint32_t n : nodes) bounds_of(n, bounds[*variable]);
  }
  for (std::size_t i = 0; i < variables_.size(); ++i) make_cells(variables_[i], std::move(bounds[i]));
}

/// A long list is not divided into cells, but a search may try one of its members.
void Variables::offer_member(std::uint32_t node, std::vector<std::vector<double>>& bounds) const {
  const GraphNode& n = state_.graph[node];
  const auto variable = of_leaf_.find(n.a);
  if (n.step == Step::in_set && !is_plain(node) && variable != of_leaf_.end())
    bounds[variable->second].push_back(state_.graph.tables().sets[n.index].members().front());
}

std::vector<std::uint32_t> Variables::below(std::uint32_t node) const {
  std::set<std::uint32_t> seen = {node};
  std::vector<std::uint32_t> open = {node};
  while (!open.empty()) {
    const std::uint32_t next = open.back();
    open.pop_back();
    state_.graph.each_operand(next, [&](std::uint32_t operand) {
      if (seen.insert(operand).second) open.push_back(operand);
    });
  }
  return {seen.begin(), seen.end()};
}

std::optional<std::uint32_t> Variables::only_variable(const std::vector<std::uint32_t>& nodes) const {
  std::optional<std::uint32_t> only;
  for (const std::uint32_t node : nodes)
    if (const auto found = of_leaf_.find(node); found != of_leaf_.end()) {
      if (only) return std::nullopt;
      only = found->second;
    }
  return only;
}

/// Whether a node passes on its variable, one of its constants or a word's number without calculation: then it does not
/// change within a cell.
bool Variables::is_plain(std::uint32_t node) const {
  const GraphNode& n = state_.graph[node];
  switch (n.step) {
    case Step::cell:
    case Step::given:
    case Step::constant:
    case Step::first_number:
    case Step::min:
    case Step::max:
    case Step::pick_number:
      return true;
    case Step::in_set:
      return state_.graph.tables().sets[n.index].size() <= kMaxCells;
    case Step::truth_table:
      return state_.graph.tables().truths[n.index].size() <= kMaxCells;
    case Step::number_table:
      return state_.graph.tables().numbers[n.index].size() <= kMaxCells;
    default:
      return is_truth(n.step) && n.step != Step::same_word;
  }
}

void Variables::bounds_of(std::uint32_t node, std::vector<double>& bounds) const {
  const GraphNode& n = state_.graph[node];
  if (n.step == Step::constant || n.step == Step::equal_constant || n.step == Step::less_constant ||
      n.step == Step::less_equal_constant)
    bounds.push_back(n.constant);
  if (n.step != Step::in_set) return;
  const auto members = state_.graph.tables().sets[n.index].members();
  bounds.insert(bounds.end(), members.begin(), members.end());
}

const Column* Variables::category(const Variable& variable) const {
  if (variable.source != Op::cell) return nullptr;
  const Column& column = state_.schema[variable.index];
  return column.kind == sluice::Kind::category ? &column : nullptr;
}

void Variables::make_cells(Variable& variable, std::vector<double> bounds) const {
  std::erase_if(bounds, [](double x) { return std::isnan(x); });
  const bool is_probability = variable.source == Op::given && variable.index < kProbabilities;
  const bool is_id = variable.source == Op::cell && state_.schema[variable.index].kind == sluice::Kind::id;
  double low = -HUGE_VAL, high = HUGE_VAL;
  if (is_probability) {
    std::erase_if(bounds, [](double x) { return x < 0 || x > 1; });
    bounds.insert(bounds.end(), {variable.lowest = 0, variable.highest = 1});
  }
  if (const Column* column = category(variable)) {
    const std::size_t n_words = std::min(column->vocabulary.size(), kMaxCells);
    for (std::size_t code = 0; code < n_words; ++code) bounds.push_back(static_cast<double>(code));
    bounds.push_back(static_cast<double>(column->vocabulary.size()));  // a word outside the vocabulary
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  variable.is_ordered = !category(variable) && !is_id;
  auto& values = variable.values;
  if (is_id) values.push_back(bounds.empty() ? 1 : bounds.back() + 1);  // an id that no rule contains
  if (!variable.is_ordered) {
    values.insert(values.end(), bounds.begin(), bounds.end());
  } else {
    for (const double bound : bounds) {
      if (!is_probability || bound > 0) values.push_back(between(low, bound));
      values.push_back(low = bound);
    }
    if (!is_probability) values.push_back(between(low, high));
    std::erase_if(values, [](double x) { return std::isnan(x); });
  }
  values.push_back(kMissing);
}

std::optional<Variables::Atom> Variables::atom(std::uint32_t node) {
  const auto nodes = below(node);
  const auto variable = only_variable(nodes);
  if (!variable || !std::all_of(nodes.begin(), nodes.end(), [&](auto n) { return is_plain(n); })) return std::nullopt;
  const Edge root[] = {2 * node};
  // Alone it may need more registers than in its condition, where shared values were computed earlier.
  const auto program = scheduler_.for_row(root);
  if (!program) return std::nullopt;
  const Variable& v = variables_[*variable];
  const Cells none(v.values.size());
  Atom atom{*variable, {none, none, none}};
  std::vector<double> row(state_.schema.size(), kMissing);
  for (std::size_t cell = 0; cell < v.values.size(); ++cell) {
    ModelOutputs given;
    (v.source == Op::cell ? row[v.index] : given_value(given, v.index)) = v.values[cell];
    Machine<1>(RowsView(row), &given, 1, state_.graph.tables())
        .run(*program, [&](std::size_t, std::uint64_t yes, std::uint64_t no) {
          const Truth truth = yes & 1 ? Truth::yes : no & 1 ? Truth::no : Truth::missing;
          atom.cells[static_cast<std::size_t>(truth)].add(cell);
        });
  }
  return atom;
}

}  // namespace sluice::rules
