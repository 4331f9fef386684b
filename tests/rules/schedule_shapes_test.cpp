/// Conditions that need the maximum number of registers, nodes and levels, and one more or less. Both schedules are
/// compared with closed forms, and report the number of registers they use, so that every limit is reached.

#include <algorithm>
#include <set>

#include "rules_support.h"
#include "sluice/rules/compile/parse.h"
#include "sluice/rules/eval/state.h"

namespace sluice::test {
namespace {

using Bool = std::optional<bool>;

struct Condition {
  std::string text;
  std::function<Bool(double x, double y)> value;
};

template <class Term>
std::string joined(std::size_t first, std::size_t last, const std::string& between, const Term& term) {
  std::string text;
  for (std::size_t i = first; i < last; ++i) text += (i > first ? between : "") + term(i);
  return text;
}

/// Needs the numbers x + first … x + last - 1 at once: their minimum and maximum.
Condition wide_numbers(std::size_t first, std::size_t last) {
  const std::string terms = joined(first, last, ", ", [](std::size_t i) { return "x + " + std::to_string(i); });
  const auto span = static_cast<double>(last - 1 - first);
  return {"min(" + terms + ") < max(" + terms + ") - y",
          [=](double x, double y) { return std::isnan(x) || std::isnan(y) ? Bool() : Bool(y < span); }};
}

/// Needs the truths x > first … x > last - 1 at once: whether any holds, and whether all do.
Condition wide_truths(std::size_t first, std::size_t last) {
  const auto term = [](std::size_t i) { return "x > " + std::to_string(i); };
  return {"(" + joined(first, last, " || ", term) + ") == (" + joined(first, last, " && ", term) + ")",
          [=](double x, double) {
            if (std::isnan(x)) return Bool();
            return Bool((x > static_cast<double>(first)) == (x > static_cast<double>(last - 1)));
          }};
}

/// Computes `n` numbers one after the other and keeps two of them.
Condition long_sum(std::size_t n) {
  return {"x" + joined(0, n, "", [](std::size_t) { return std::string(" + 1"); }) + " > y", [=](double x, double y) {
            return std::isnan(x) || std::isnan(y) ? Bool() : Bool(x + static_cast<double>(n) > y);
          }};
}

Condition above(std::size_t i) {
  return {"x > " + std::to_string(i),
          [=](double x, double) { return std::isnan(x) ? Bool() : Bool(x > static_cast<double>(i)); }};
}

const Schema& schema() {
  static const Schema schema({{.name = "x"}, {.name = "y"}});
  return schema;
}

std::optional<RuleSet> try_compile(const std::vector<Condition>& conditions, std::string* why = nullptr) {
  std::vector<Json> rules;
  for (std::size_t i = 0; i < conditions.size(); ++i)
    rules.push_back(
        rule_json("R" + std::to_string(i), conditions[i].text, i % 2 ? "REVIEW" : "DECLINE", i % 3 ? "SKIP" : "FIRE"));
  CompileResult result = RuleSet::compile(document(rules).dump(), "r.json", schema(), Phase::post);
  if (why) *why = messages(result.diagnostics);
  return result.rules;
}

/// Number of registers of a program, and whether one is allocated twice.
struct Use {
  std::size_t numbers = 0, truths = 0;
  bool is_reused = false;
};

Use use_of(const Program& program) {
  Use use;
  std::set<std::pair<bool, std::uint16_t>> taken;
  for (const Instruction& i : program.code) {
    if (i.step == Step::output) continue;
    const bool is_truth = rules::is_truth(i.step);
    std::size_t& most = is_truth ? use.truths : use.numbers;
    most = std::max<std::size_t>(most, i.out + std::size_t{1});
    use.is_reused = !taken.insert({is_truth, i.out}).second || use.is_reused;
  }
  return use;
}

/// In blocks of both schedules, against the closed forms.
void check_answers(const RuleSet& rules, const std::vector<Condition>& conditions, const std::vector<double>& xs) {
  Table rows(2);
  for (const double x : xs)
    for (const double y : {kMissing, 0.0, 100.0, 127.0, 5000.0}) rows.append(std::vector<double>{x, y});
  std::vector<Outcome> all(rows.n_rows());
  rules.evaluate(rows.view(), {}, all);
  for (std::size_t r = 0; r < rows.n_rows(); ++r) {
    Outcome expected;
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      const Bool truth = conditions[i].value(rows.row(r)[0], rows.row(r)[1]);
      const bool fires = truth ? *truth : i % 3 == 0;
      if (!truth) ++expected.n_missing, expected.missing.add(static_cast<std::uint16_t>(i));
      if (!fires) continue;
      ++expected.n_fired, expected.fired.add(static_cast<std::uint16_t>(i));
      if (expected.action == Action::none || (expected.action == Action::review && i % 2 == 0)) {
        expected.action = i % 2 ? Action::review : Action::decline;
        expected.decisive = static_cast<std::uint16_t>(i);
      }
    }
    Outcome one;
    rules.evaluate(rows.row(r), {}, one);
    CAPTURE(rows.row(r)[0], rows.row(r)[1]);
    REQUIRE(one == expected);
    REQUIRE(all[r] == expected);
  }
}

}  // namespace

TEST_CASE("a condition uses up to all registers of a batch, and one that needs more is rejected") {
  const auto sweep = [](const auto& make, std::size_t from, std::size_t to, auto used, std::size_t limit) {
    std::set<std::size_t> seen;
    std::size_t n_refused = 0;
    for (std::size_t k = from; k <= to; ++k) {
      const std::vector<Condition> conditions = {make(1, k + 1)};
      std::string why;
      const auto rules = try_compile(conditions, &why);
      CAPTURE(k, why.substr(0, 300));
      REQUIRE(rules.has_value() == (n_refused == 0 && why.empty()));  // once one is rejected, all wider ones are
      if (!rules) {
        ++n_refused;
        REQUIRE(why.find("rules.too_deep") != why.npos);
        continue;
      }
      seen.insert(used(use_of(rules->state().batch_program)));
      check_answers(
          *rules, conditions,
          {kMissing, -1, 0, 1, 2, static_cast<double>(k) - 1, static_cast<double>(k), static_cast<double>(k) + 1});
    }
    CHECK(n_refused > 0);
    CHECK(seen.contains(limit - 1));
    CHECK(seen.contains(limit));
    CHECK(*seen.rbegin() == limit);
  };
  sweep(wide_numbers, 118, 132, [](const Use& use) { return use.numbers; }, kBatchLimits.numbers);
  sweep(wide_truths, 502, 516, [](const Use& use) { return use.truths; }, kBatchLimits.truths);
}

TEST_CASE("rules that together need more registers than there are keep their results and shared expressions") {
  std::set<bool> is_cut;
  for (const std::size_t n : {1, 2, 3, 5, 9}) {
    std::vector<Condition> conditions;  // each has half of its numbers and truths in common with the next
    for (std::size_t i = 0; i < n; ++i)
      conditions.push_back(i % 2 ? wide_truths(100 * i, 100 * i + 200) : wide_numbers(50 * i, 50 * i + 100));
    conditions.push_back(conditions.front());
    const auto rules = try_compile(conditions);
    REQUIRE(rules.has_value());
    CHECK(use_of(rules->state().batch_program).numbers <= kBatchLimits.numbers);
    is_cut.insert(n > 1);
    check_answers(*rules, conditions, {kMissing, -1, 0, 1, 99, 100, 199, 200, 250, 300, 1e6});
  }
  CHECK(is_cut.size() == 2);
}

TEST_CASE("a row's schedule uses up to all of its registers, then is split, then uses a batch's") {
  std::set<std::size_t> numbers, truths;
  for (std::size_t n = 4080; n <= 4100; ++n) {  // one condition of about as many numbers
    const std::vector<Condition> conditions = {long_sum(n)};
    const auto rules = try_compile(conditions);
    REQUIRE(rules.has_value());
    const Use use = use_of(rules->state().row_program);
    CAPTURE(n, use.numbers);
    CHECK(use.is_reused == (use.numbers < 10));
    if (!use.is_reused) numbers.insert(use.numbers);
    check_answers(*rules, conditions, {kMissing, 0, -1, -4000, -4085});
  }
  CHECK(numbers.contains(kRowLimits.numbers - 1));
  CHECK(*numbers.rbegin() == kRowLimits.numbers);
  for (std::size_t n = 8190; n <= 8194; ++n) {  // one truth per rule
    std::vector<Condition> conditions;
    for (std::size_t i = 0; i < n; ++i) conditions.push_back(above(i));
    const auto rules = try_compile(conditions);
    REQUIRE(rules.has_value());
    const Use use = use_of(rules->state().row_program);
    CHECK(use.is_reused == (n > kRowLimits.truths));
    if (!use.is_reused) truths.insert(use.truths);
    check_answers(*rules, conditions, {kMissing, -1, 31, 32, 33, 8191, 8192, 9000});
  }
  CHECK(truths.contains(kRowLimits.truths - 1));
  CHECK(*truths.rbegin() == kRowLimits.truths);
}

TEST_CASE("only the long condition between short ones is split off") {
  for (const std::size_t n_before : {0, 1, 2, 63, 64, 65})
    for (const std::size_t n_behind : {0, 1, 64}) {
      std::vector<Condition> conditions;
      for (std::size_t i = 0; i < n_before; ++i) conditions.push_back(above(i));
      conditions.push_back(long_sum(4500));
      for (std::size_t i = 0; i < n_behind; ++i) conditions.push_back(wide_numbers(i, i + 90));
      const auto rules = try_compile(conditions);
      REQUIRE(rules.has_value());
      CHECK(use_of(rules->state().row_program).is_reused);
      CAPTURE(n_before, n_behind);
      check_answers(*rules, conditions, {kMissing, 0, 1, -4400, 64});
    }
}

TEST_CASE("nesting and nodes of conditions are limited") {
  const auto is_taken = [](const Condition& condition) {
    const auto rules = try_compile({condition});
    if (rules) check_answers(*rules, {condition}, {kMissing, -1, 0, 1, 2600});
    return rules.has_value();
  };
  const auto nested = [](std::size_t n) {
    return Condition{std::string(n, '(') + "x" + std::string(n, ')') + " > 0", above(0).value};
  };
  const auto negated = [](std::size_t n) {
    return Condition{std::string(n, '!') + "(x > 0)",
                     [n](double x, double) { return std::isnan(x) ? Bool() : Bool((x > 0) == (n % 2 == 0)); }};
  };
  const auto deepest = [&](const auto& make) {
    std::size_t n = 0;
    while (is_taken(make(n))) ++n;
    for (std::size_t deeper = n; deeper < n + 10; ++deeper) REQUIRE_FALSE(is_taken(make(deeper)));
    return n - 1;
  };
  CHECK(deepest(nested) == rules::kMaxNesting / 2 - 1);    // one is an expression and an operand
  CHECK(deepest(negated) == rules::kMaxNesting - 4);       // around an expression and two operands
  const auto any = [](std::size_t n, std::size_t n_not) {  // 4 n - 1 nodes, and the negations
    return Condition{std::string(n_not, '!') + "(" +
                         joined(0, n, " || ", [](std::size_t i) { return "x > " + std::to_string(i); }) + ")",
                     [n_not](double x, double) { return std::isnan(x) ? Bool() : Bool((x > 0) == (n_not % 2 == 0)); }};
  };
  CHECK(is_taken(any(rules::kMaxNodes / 4, 0)));
  CHECK(is_taken(any(rules::kMaxNodes / 4, 1)));
  CHECK_FALSE(is_taken(any(rules::kMaxNodes / 4, 2)));
}

TEST_CASE("a trace names the first false conjunct of one, of 64 and of as many as a condition may have") {
  for (const std::size_t n : {1, 2, 63, 64, 65, 2500}) {
    const auto term = [](std::size_t i) { return "x > " + std::to_string(i); };
    const auto rules = try_compile({{joined(0, n, " && ", term), above(n - 1).value}});
    REQUIRE(rules.has_value());
    for (const std::size_t x : {std::size_t{0}, std::size_t{1}, n / 2, n - 1, n}) {
      const Trace trace = rules->trace(std::vector<double>{static_cast<double>(x), 0}, {});
      CAPTURE(n, x);
      CHECK(trace.rules[0].cause == (x < n ? term(x) : ""));
      CHECK(trace.rules[0].truth == (x < n ? Truth::no : Truth::yes));
    }
    CHECK(rules->trace(std::vector<double>{kMissing, 0}, {}).rules[0].cause == term(0));
  }
}

TEST_CASE("a chain of derived fields that are defined after their use has the same limit as nesting") {
  // Documents are read in the order of names.
  const auto name = [](std::size_t i) { return "d" + std::to_string(999 - i); };
  std::size_t longest = 0;
  for (std::size_t n = 1; n <= 110; ++n) {
    Json json = document({rule_json("R", name(n - 1) + " > y")});
    json["derived"][name(0)] = "x";
    for (std::size_t i = 1; i < n; ++i) json["derived"][name(i)] = name(i - 1) + " + 1";
    const auto result = RuleSet::compile(json.dump(), "r.json", schema(), Phase::post);
    if (!result.rules) continue;
    REQUIRE(longest == n - 1);
    longest = n;
    for (const double y : {static_cast<double>(n) - 2, static_cast<double>(n) - 1}) {
      Outcome outcome;
      result.rules->evaluate(std::vector<double>{0, y}, {}, outcome);
      CHECK(outcome.n_fired == (y < static_cast<double>(n) - 1 ? 1 : 0));
    }
  }
  CHECK(longest == rules::kMaxNesting + 1);
}

}  // namespace sluice::test
