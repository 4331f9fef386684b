// A rule set, or a condition alone: it is refused, or a row, a batch, a trace and the analysis agree on it.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/rules/analyze.h"

namespace {

using namespace sluice;
using namespace sluice::rules;

void require(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", law);
  std::abort();
}

const Schema& schema() {
  static const Schema schema(
      std::vector<Column>{{.name = "amount", .unit = "USD"},
                          {.name = "ratio"},
                          {.name = "age", .unit = "days"},
                          {.name = "country", .kind = Kind::category, .vocabulary = {"NL", "DE", "it's", ""}},
                          {.name = "home", .kind = Kind::category, .vocabulary = {"DE", "US"}},
                          {.name = "card", .kind = Kind::id},
                          {.name = "opened", .kind = Kind::time}});
  return schema;
}

Table rows() {
  const double cells[] = {std::nan(""), 0, 1, -1, 2.5, 3, 1e9, 1e300, HUGE_VAL, -HUGE_VAL};
  Table rows(schema().size());
  for (std::size_t r = 0; r < 70; ++r)
    for (double& cell : rows.append())
      cell = cells[(r * r + 3 * r + static_cast<std::size_t>(&cell - rows.row(r).data()) * (r + 7)) % 10];
  return rows;
}

std::string document_of(std::string_view text) {
  if (text.starts_with('{')) return std::string(text);
  const nlohmann::json json = {
      {"ruleset", "fuzz"},
      {"version", 1},
      {"hit_policy", "first"},
      {"lists", {{"blocked", {{"of", "card"}, {"values", {"a", "b"}}}}}},
      {"derived", {{"share", "amount / 100 USD"}}},
      {"rules",
       {{{"id", "A"}, {"when", text}, {"on_missing", "REVIEW"}, {"then", {{"action", "DECLINE"}, {"reason", "r"}}}}}}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void check(const RuleSet& rules) {
  static const Table table = rows();
  std::vector<ModelOutputs> given(table.n_rows());
  for (std::size_t r = 0; r < given.size(); ++r) given[r] = {.p_final = r % 2 ? 0.5 : std::nan(""), .now = 1.7e9};
  std::vector<Outcome> batch(table.n_rows());
  rules.evaluate(table.view(), given, batch);
  for (std::size_t r = 0; r < table.n_rows(); ++r) {
    Outcome one;
    rules.evaluate(table.row(r), given[r], one);
    require(one == batch[r], "a row of a batch is a row alone");
    require(r > 5 || rules.trace(table.row(r), given[r]).outcome == one, "a trace is what it traces");
  }
  rules.run_tests();
  for (const Finding& finding : analyze(rules, {.max_boxes = 32, .max_steps = 1'000'000}).findings) {
    to_string(finding, rules);
    if (finding.row.empty()) continue;
    const Trace trace = rules.trace(finding.row, finding.given);
    if (finding.property == Property::gap) require(trace.outcome.n_fired == 0, "no rule fires in a gap");
    if (finding.property == Property::overlap)
      require(trace.rules[finding.rule].fired && trace.rules[finding.other].fired, "both rules of an overlap fire");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const CompileResult result = RuleSet::compile(document_of(text), "fuzz", schema(), Phase::post);
  for (const Diagnostic& diagnostic : result.diagnostics) to_string(diagnostic);
  require(result.rules.has_value() != has_errors(result.diagnostics), "a set compiles, or its errors are told");
  if (result.rules) check(*result.rules);
  return 0;
}
