#include "sluice/rules/ruleset.h"

#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/rules/check.h"
#include "sluice/rules/state.h"

namespace sluice::rules {
namespace {

void check_width(std::size_t n_columns, const Schema& schema) {
  if (n_columns != schema.size())
    throw Error("rules.shape", "a row has " + std::to_string(n_columns) + " columns, the schema of the rules has " +
                                   std::to_string(schema.size()));
}

ReadValue value_of(const Read& read, const Schema& schema, const Inputs& inputs) {
  if (read.source == Op::cell) return {schema[read.index].name, schema.format_cell(read.index, inputs.row[read.index])};
  const double value = inputs.models[read.index];
  return {std::string(kModelOutputNames[read.index]), std::isnan(value) ? "" : number_text(value)};
}

/// Why a condition is not true: its first false conjunct, or the first missing one where none is false.
std::string cause_of(const Condition& condition, const std::string& when, const Program& program,
                     const Inputs& inputs) {
  const Conjunct* missing = nullptr;
  for (const Conjunct& conjunct : condition.conjuncts) {
    const double value = program.run(conjunct.code, inputs);
    if (value == 0.0) return when.substr(conjunct.begin, conjunct.end - conjunct.begin);
    if (std::isnan(value) && !missing) missing = &conjunct;
  }
  return missing ? when.substr(missing->begin, missing->end - missing->begin) : "";
}

}  // namespace

RuleSet::RuleSet(std::shared_ptr<const State> state) : state_(std::move(state)) {}

void RuleSet::evaluate(RowView row, const ModelOutputs& models, Outcome& outcome) const {
  assert(row.size() == state_->schema.size());
  state_->evaluate(inputs_of(row, models), outcome, [](std::size_t, Truth, Action) {});
}

void RuleSet::evaluate(RowsView rows, std::span<const ModelOutputs> models, std::span<Outcome> outcomes) const {
  check_width(rows.n_columns, state_->schema);
  if (outcomes.size() != rows.n_rows || (!models.empty() && models.size() != rows.n_rows))
    throw Error("rules.shape", std::to_string(rows.n_rows) + " rows, but " + std::to_string(models.size()) +
                                   " model outputs and " + std::to_string(outcomes.size()) + " outcomes");
  const ModelOutputs none;
  for (std::size_t i = 0; i < rows.n_rows; ++i) evaluate(rows.row(i), models.empty() ? none : models[i], outcomes[i]);
}

Trace RuleSet::trace(RowView row, const ModelOutputs& models) const {
  check_width(row.size(), state_->schema);
  const Inputs inputs = inputs_of(row, models);
  Trace trace;
  state_->evaluate(inputs, trace.outcome, [&](std::size_t, Truth truth, Action action) {
    trace.rules.push_back({.truth = truth, .action = action});
  });
  for (std::size_t i = 0; i < trace.rules.size(); ++i) {
    const Condition& condition = state_->conditions[i];
    for (const Read& read : condition.reads) trace.rules[i].values.push_back(value_of(read, state_->schema, inputs));
    trace.rules[i].cause = cause_of(condition, rule(i).when, state_->program, inputs);
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
Digest RuleSet::digest() const { return state_->digest; }

const char* to_string(Phase phase) {
  return phase == Phase::pre ? "pre" : phase == Phase::fallback ? "fallback" : "post";
}

const char* to_string(HitPolicy policy) {
  return policy == HitPolicy::priority ? "priority" : policy == HitPolicy::first ? "first" : "unique";
}

}  // namespace sluice::rules
