#include <algorithm>

#include "sluice/rules/eval/state.h"

namespace sluice::rules {
namespace {

std::string list_text(const std::vector<std::string>& ids) {
  std::string text = "[";
  for (const auto& id : ids) text += (text.size() > 1 ? ", " : "") + id;
  return text + "]";
}

class Comparison {
 public:
  Comparison(std::size_t test, std::vector<TestFailure>& out) : test_(test), out_(out) {}

  void compare(const char* key, const std::string& expected, const std::string& got) {
    if (expected != got)
      out_.push_back(
          {test_, "/tests/" + std::to_string(test_) + "/expect/" + key, "expected " + expected + ", got " + got});
  }

 private:
  std::size_t test_;
  std::vector<TestFailure>& out_;
};

}  // namespace

std::vector<TestFailure> RuleSet::run_tests() const {
  std::vector<TestFailure> failures;
  for (std::size_t i = 0; i < state_->document.tests.size(); ++i) {
    const RuleTest& test = state_->document.tests[i];
    Outcome outcome;
    std::vector<std::string> fired, missing;
    std::vector<Truth> truths;
    state_->evaluate(test.row, test.given, outcome, truths);
    for (std::size_t rule = 0; rule < truths.size(); ++rule) {
      if (state_->effect(rule, truths[rule]).fires) fired.push_back(state_->document.rules[rule].id);
      if (truths[rule] == Truth::missing) missing.push_back(state_->document.rules[rule].id);
    }
    std::sort(fired.begin(), fired.end());
    std::sort(missing.begin(), missing.end());
    Comparison comparison(i, failures);
    if (test.action) comparison.compare("action", to_string(*test.action), to_string(outcome.action));
    if (test.points) comparison.compare("points", std::to_string(*test.points), std::to_string(outcome.points));
    if (test.undecided)
      comparison.compare("undecided", *test.undecided ? "true" : "false", outcome.undecided ? "true" : "false");
    if (test.fired) comparison.compare("fired", list_text(*test.fired), list_text(fired));
    if (test.missing) comparison.compare("missing", list_text(*test.missing), list_text(missing));
  }
  return failures;
}

}  // namespace sluice::rules
