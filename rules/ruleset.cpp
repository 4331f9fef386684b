#include "sluice/rules/ruleset.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/rules/compile/check.h"
#include "sluice/rules/eval/compare.h"
#include "sluice/rules/eval/state.h"

namespace sluice::rules {
namespace {

void check_width(std::size_t n_columns, const Schema& schema) {
  if (n_columns != schema.size())
    throw Error("rules.shape", "a row has " + std::to_string(n_columns) + " columns, the schema of the rules has " +
                                   std::to_string(schema.size()));
}

ReadValue value_of(const Read& read, const Schema& schema, RowView row, const ModelOutputs& given) {
  if (read.source == Op::cell) return {schema[read.index].name, schema.format_cell(read.index, row[read.index])};
  const double value = given_value(given, read.index);
  return {std::string(kGivenNames[read.index]), std::isnan(value) ? "" : number_text(value)};
}

/// Why a condition is not true: its first false conjunct, or the first missing one if none is false.
std::string cause_of(const std::vector<Conjunct>& conjuncts, const std::vector<Truth>& truths,
                     const std::string& when) {
  for (const Truth wanted : {Truth::no, Truth::missing})
    for (std::size_t i = 0; i < truths.size(); ++i)
      if (truths[i] == wanted) return when.substr(conjuncts[i].begin, conjuncts[i].end - conjuncts[i].begin);
  return {};
}

}  // namespace

RuleSet::RuleSet(std::shared_ptr<const State> state) : state_(std::move(state)) {}

void RuleSet::evaluate(RowView row, const ModelOutputs& models, Outcome& outcome) const {
  assert(row.size() == state_->schema.size());
  state_->evaluate(row, models, outcome);
}

void RuleSet::evaluate(RowsView rows, std::span<const ModelOutputs> models, std::span<Outcome> outcomes) const {
  check_width(rows.n_columns, state_->schema);
  if (outcomes.size() != rows.n_rows || (!models.empty() && models.size() != rows.n_rows))
    throw Error("rules.shape", std::to_string(rows.n_rows) + " rows, but " + std::to_string(models.size()) +
                                   " model outputs and " + std::to_string(outcomes.size()) + " outcomes");
  const ModelOutputs none[1];
  for (std::size_t i = 0; i < rows.n_rows; i += 64) {
    const std::size_t n = std::min<std::size_t>(64, rows.n_rows - i);
    state_->evaluate_block(rows.slice(i, n), models.empty() ? none : models.subspan(i, n), outcomes.data() + i);
  }
}

Trace RuleSet::trace(RowView row, const ModelOutputs& models) const {
  check_width(row.size(), state_->schema);
  Trace trace;
  std::vector<Truth> truths;
  state_->evaluate(row, models, trace.outcome, truths);
  for (std::size_t i = 0; i < truths.size(); ++i) {
    const Lowered& condition = state_->conditions[i];
    const Effect effect = state_->effect(i, truths[i]);
    RuleTrace rule_trace{.truth = truths[i], .fired = effect.fires, .action = effect.action};
    for (const Read& read : condition.reads) rule_trace.values.push_back(value_of(read, state_->schema, row, models));
    rule_trace.cause = cause_of(condition.conjuncts, state_->conjuncts_of(i, row, models), rule(i).when);
    trace.rules.push_back(std::move(rule_trace));
  }
  return trace;
}

std::size_t RuleSet::size() const { return state_->document.rules.size(); }
const Rule& RuleSet::rule(std::size_t i) const { return state_->document.rules[i]; }
const std::string& RuleSet::name() const { return state_->document.name; }
std::int64_t RuleSet::version() const { return state_->document.version; }
HitPolicy RuleSet::hit_policy() const { return state_->document.hit_policy; }
Phase RuleSet::phase() const { return state_->phase; }
std::size_t RuleSet::n_tests() const { return state_->document.tests.size(); }
std::size_t RuleSet::cost() const { return state_->cost; }
Digest RuleSet::digest() const { return state_->digest; }

const char* to_string(Phase phase) {
  return phase == Phase::pre ? "pre" : phase == Phase::fallback ? "fallback" : "post";
}

const char* to_string(HitPolicy policy) {
  switch (policy) {
    case HitPolicy::priority:
      return "priority";
    case HitPolicy::first:
      return "first";
    case HitPolicy::unique:
      return "unique";
    case HitPolicy::collect:
      return "collect";
    case HitPolicy::collect_sum:
      break;
  }
  return "collect_sum";
}

}  // namespace sluice::rules
