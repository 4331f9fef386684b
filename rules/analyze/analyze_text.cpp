#include <cmath>

#include "sluice/base/number.h"
#include "sluice/rules/analyze.h"
#include "sluice/rules/compile/check.h"
#include "sluice/rules/eval/compare.h"
#include "sluice/rules/eval/state.h"

namespace sluice::rules {
namespace {

std::string cell_text(const Schema& schema, std::size_t column, double cell) {
  return schema[column].kind == Kind::time ? format_time(cell) : schema.format_cell(column, cell);
}

/// The values that are not missing; the rest of the row is missing.
std::string row_text(const Finding& finding, const RuleSet& rules) {
  const Schema& schema = rules.state().schema;
  std::string text;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += (text.empty() ? " where " : ", ") + name + " = " + value;
  };
  for (std::size_t c = 0; c < finding.row.size(); ++c)
    if (!std::isnan(finding.row[c])) add(schema[c].name, cell_text(schema, c, finding.row[c]));
  for (std::size_t i = 0; i < kGivenNames.size(); ++i)
    if (const double value = given_value(finding.given, i); !std::isnan(value))
      add(std::string(kGivenNames[i]), i == kNow ? format_time(value) : number_text(value));
  return text.empty() ? " where everything is missing" : text;
}

std::string subject(Property property, std::size_t rule, std::size_t other, const RuleSet& rules) {
  if (property == Property::gap) return "a row that no rule decides";
  return rules.rule(rule).id + (property == Property::overlap ? " and " + rules.rule(other).id : "");
}

}  // namespace

std::string to_string(const Finding& finding, const RuleSet& rules) {
  const std::string who = subject(finding.property, finding.rule, finding.other, rules);
  switch (finding.property) {
    case Property::unreachable:
      return who + " never holds";
    case Property::always_true:
      return who + " always holds, also with missing values, for example" + row_text(finding, rules);
    case Property::never_decides:
      return who + " never decides: wherever it fires, a rule that overrides it fires too";
    case Property::overlap:
      return who + " both fire" + row_text(finding, rules);
    case Property::gap:
      break;
  }
  return "no rule decides" + row_text(finding, rules);
}

std::string to_string(const Undecided& undecided, const RuleSet& rules) {
  static constexpr const char* kQuestions[] = {"can hold", "always holds", "ever decides", "fire together", "exists"};
  return "undecided whether " + subject(undecided.property, undecided.rule, undecided.other, rules) + " " +
         kQuestions[static_cast<std::size_t>(undecided.property)] + ": " + undecided.why;
}

}  // namespace sluice::rules
