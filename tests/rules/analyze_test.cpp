#include "sluice/rules/analyze.h"

#include <set>

#include "rules_support.h"
#include "sluice/base/random.h"

namespace sluice::test {
namespace {

const Schema kSchema(std::vector<Column>{
    {.name = "a"}, {.name = "b"}, {.name = "c", .kind = Kind::category, .vocabulary = {"x", "y", "z"}}});

/// Every cell that the conditions below can distinguish: the bounds 1, 2, 3, values between and around them, missing;
/// every word, a word outside the vocabulary, missing.
std::vector<std::vector<double>> grid() {
  std::vector<std::vector<double>> rows;
  const double numbers[] = {-1, 1, 1.5, 2, 2.5, 3, 4, kMissing}, words[] = {0, 1, 2, 3, kMissing};
  for (const double a : numbers)
    for (const double b : numbers)
      for (const double c : words) rows.push_back({a, b, c});
  return rows;
}

class Conditions {
 public:
  Conditions(std::uint64_t seed, bool exact) : random_(seed), exact_(exact) {}

  std::string condition(int depth) {
    switch (depth == 0 ? 3 : pick(8)) {
      case 0:
        return "(" + condition(depth - 1) + " || " + condition(depth - 1) + ")";
      case 1:
        return "!(" + condition(depth - 1) + ")";
      case 2:
        return "(" + condition(depth - 1) + " ? " + condition(depth - 1) + " : " + condition(depth - 1) + ")";
      case 3:
        return atom();
      default:
        return "(" + condition(depth - 1) + " && " + condition(depth - 1) + ")";
    }
  }
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }

 private:
  std::string atom() {
    static const std::string names[] = {"a", "b"}, signs[] = {"<", "<=", "==", ">=", ">", "!="},
                             words[] = {"x", "y", "z"};
    const std::string name = names[pick(2)], bound = std::to_string(1 + pick(3));
    switch (pick(exact_ ? 6 : 8)) {
      case 0:
        return "c == '" + words[pick(3)] + "'";
      case 1:
        return "c in ['" + words[pick(3)] + "', '" + words[pick(3)] + "']";
      case 2:
        return "is_missing(" + name + ")";
      case 3:
        return "coalesce(" + name + ", 2) " + signs[pick(6)] + " " + bound;
      case 6:
        return "a < b";
      case 7:
        return "a + b > " + bound;
      default:
        return name + " " + signs[pick(6)] + " " + bound;
    }
  }

  Random random_;
  bool exact_;
};

RuleSet random_set(Conditions& conditions, const std::string& policy) {
  static const std::string actions[] = {"APPROVE", "REVIEW", "DECLINE"}, on_missing[] = {"SKIP", "FIRE", "REVIEW"};
  std::vector<Json> rules;
  for (std::size_t i = 0; i < 4; ++i)
    rules.push_back(rule_json("R" + std::to_string(i), conditions.condition(3), actions[conditions.pick(3)],
                              on_missing[conditions.pick(3)]));
  return compiled(document(rules, policy), kSchema);
}

/// The properties that the grid's rows show.
struct Shown {
  std::set<std::size_t> true_somewhere, untrue_somewhere, decisive;
  std::set<std::pair<std::size_t, std::size_t>> overlaps;
  bool has_gap = false;
};

Shown shown_by_grid(const RuleSet& rules) {
  Shown shown;
  for (const auto& row : grid()) {
    const Trace trace = rules.trace(row, {});
    if (trace.outcome.n_fired == 0) shown.has_gap = true;
    shown.decisive.insert(trace.outcome.decisive);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      (trace.rules[i].truth == Truth::yes ? shown.true_somewhere : shown.untrue_somewhere).insert(i);
      for (std::size_t j = i + 1; j < rules.size(); ++j)
        if (trace.rules[i].fired && trace.rules[j].fired &&
            (rules.hit_policy() == HitPolicy::unique || trace.rules[i].action != trace.rules[j].action))
          shown.overlaps.insert({i, j});
    }
  }
  return shown;
}

bool has(const Analysis& analysis, Property property, std::size_t rule = 0, std::size_t other = 0) {
  return std::any_of(analysis.findings.begin(), analysis.findings.end(),
                     [&](const Finding& f) { return f.property == property && f.rule == rule && f.other == other; });
}

void require_confirmed(const Finding& finding, const RuleSet& rules) {
  if (finding.row.empty()) return;
  const Trace trace = rules.trace(finding.row, finding.given);
  if (finding.property == Property::gap) REQUIRE(trace.outcome.n_fired == 0);
  if (finding.property == Property::always_true) REQUIRE(trace.rules[finding.rule].truth == Truth::yes);
  if (finding.property != Property::overlap) return;
  REQUIRE(trace.rules[finding.rule].fired);
  REQUIRE(trace.rules[finding.other].fired);
}

const std::string kPolicies[] = {"priority", "first", "unique"};

}  // namespace

TEST_CASE("over cells, the analysis finds exactly what a scan of every cell finds") {
  Conditions conditions(20240131, true);
  std::size_t n_overlaps = 0, n_unreachable = 0, n_always = 0, n_silent = 0, n_full = 0;
  for (int k = 0; k < 300; ++k) {
    const RuleSet rules = random_set(conditions, kPolicies[k % 3]);
    const Shown shown = shown_by_grid(rules);
    const Analysis analysis = analyze(rules);
    CAPTURE(rules.rule(0).when, rules.rule(1).when, rules.rule(2).when, rules.rule(3).when, kPolicies[k % 3]);
    REQUIRE(analysis.undecided.empty());
    for (const Finding& finding : analysis.findings) require_confirmed(finding, rules);
    REQUIRE(has(analysis, Property::gap) == shown.has_gap);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      REQUIRE(has(analysis, Property::unreachable, i) == !shown.true_somewhere.contains(i));
      REQUIRE(has(analysis, Property::always_true, i) == !shown.untrue_somewhere.contains(i));
      if (shown.true_somewhere.contains(i) && k % 3 != 2)
        REQUIRE(has(analysis, Property::never_decides, i) == !shown.decisive.contains(i));
      for (std::size_t j = i + 1; j < rules.size(); ++j)
        REQUIRE(has(analysis, Property::overlap, i, j) == shown.overlaps.contains({i, j}));
      n_unreachable += !shown.true_somewhere.contains(i), n_always += !shown.untrue_somewhere.contains(i);
      n_silent += !shown.decisive.contains(i);
    }
    n_overlaps += shown.overlaps.size(), n_full += !shown.has_gap;
  }
  for (const std::size_t n : {n_overlaps, n_unreachable, n_always, n_silent, n_full}) REQUIRE(n > 5);
}

TEST_CASE("if columns are combined, findings are confirmed, no row contradicts a proof, and the rest is undecided") {
  Conditions conditions(7, false);
  std::size_t n_undecided = 0;
  for (int k = 0; k < 300; ++k) {
    const RuleSet rules = random_set(conditions, kPolicies[k % 3]);
    const Shown shown = shown_by_grid(rules);
    const Analysis analysis = analyze(rules);
    const auto is_open = [&](Property property, std::size_t rule, std::size_t other = 0) {
      return std::any_of(analysis.undecided.begin(), analysis.undecided.end(), [&](const Undecided& u) {
        return u.property == property && u.rule == rule && u.other == other;
      });
    };
    CAPTURE(rules.rule(0).when, rules.rule(1).when, rules.rule(2).when, rules.rule(3).when);
    for (const Finding& finding : analysis.findings) require_confirmed(finding, rules);
    if (shown.has_gap) REQUIRE((has(analysis, Property::gap) || is_open(Property::gap, 0)));
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (shown.true_somewhere.contains(i)) REQUIRE_FALSE(has(analysis, Property::unreachable, i));
      if (shown.untrue_somewhere.contains(i)) REQUIRE_FALSE(has(analysis, Property::always_true, i));
      if (shown.decisive.contains(i)) REQUIRE_FALSE(has(analysis, Property::never_decides, i));
      for (std::size_t j = i + 1; j < rules.size(); ++j)
        if (shown.overlaps.contains({i, j}))
          REQUIRE((has(analysis, Property::overlap, i, j) || is_open(Property::overlap, i, j)));
    }
    n_undecided += analysis.undecided.size();
  }
  REQUIRE(n_undecided > 5);
}

TEST_CASE("each property has its sentence") {
  const RuleSet rules = compiled(
      document({rule_json("A", "a > 3 && a < 2"), rule_json("B", "a > 1 || a <= 1 || is_missing(a)", "APPROVE"),
                rule_json("C", "b > 2 && c == 'y'", "DECLINE")},
               "first"),
      kSchema);
  std::vector<std::string> told;
  for (const Finding& finding : analyze(rules).findings) told.push_back(to_string(finding, rules));
  CHECK(told == std::vector<std::string>{
                    "A never holds", "B always holds, also with missing values, for example where a = 0, b = 1, c = x",
                    "C never decides: wherever it fires, a rule that overrides it fires too",
                    "B and C both fire where a = 1.5, b = 3, c = y"});
}

TEST_CASE("a probability is in [0, 1], and words outside the vocabulary exist") {
  const auto found = [](const std::string& when) {
    return analyze(compiled(document({rule_json("A", when)}), kSchema));
  };
  CHECK(has(found("p_final > 1"), Property::unreachable, 0));
  CHECK(has(found("p_final >= 0 || is_missing(p_final)"), Property::always_true, 0));
  CHECK_FALSE(has(found("p_final >= 1"), Property::unreachable, 0));
  CHECK_FALSE(has(found("c in ['x', 'y', 'z'] || is_missing(c)"), Property::always_true, 0));
  CHECK(has(found("a < b && is_missing(a)"), Property::unreachable, 0) == false);
}

TEST_CASE("a comparison of two columns is the same wherever it occurs") {
  const Schema schema(std::vector<Column>{{.name = "amount"},
                                          {.name = "here", .kind = Kind::category, .vocabulary = {"NL", "DE"}},
                                          {.name = "there", .kind = Kind::category, .vocabulary = {"DE", "US"}}});
  const Analysis analysis =
      analyze(compiled(document({rule_json("A", "amount > 200 || here != there", "REVIEW", "REVIEW"),
                                 rule_json("B", "amount <= 50 && here == there", "APPROVE")}),
                       schema));
  CHECK_FALSE(has(analysis, Property::overlap, 0, 1));
  CHECK(analysis.undecided.empty());
}

TEST_CASE("a large set and a condition with many alternatives stay within limits and report what is undecided") {
  std::string alternatives = "a == 0";
  for (int i = 1; i < 300; ++i)
    alternatives += " || (a == " + std::to_string(i) + " && b == " + std::to_string(i) + ")";
  const RuleSet one = compiled(document({rule_json("A", alternatives)}), kSchema);
  const Analysis of_one = analyze(one);
  REQUIRE_FALSE(of_one.undecided.empty());
  CHECK(to_string(of_one.undecided[0], one) == "undecided whether A can hold: the condition has too many alternatives");

  std::vector<Json> rules;
  for (int i = 0; i < 1000; ++i)
    rules.push_back(rule_json("R" + std::to_string(i), "a + b > " + std::to_string(i) + " && c == 'x'",
                              i % 2 ? "REVIEW" : "DECLINE"));
  const Analysis of_many = analyze(compiled(document(rules), kSchema), {.max_steps = 1'000'000});
  CHECK_FALSE(of_many.are_overlaps_complete);
}

TEST_CASE("an atom that needs more registers alone than in its condition is undecided, not guessed") {
  const auto terms = [](const std::string& function, std::size_t n) {  // each with its own constants
    std::string text;
    for (std::size_t i = 1; i <= n; ++i)
      text += (i > 1 ? ", " : "") + function + "(x, " + std::to_string(i) + (function == "max" ? ".5" : ".25") + ")";
    return text;
  };
  std::string chain = "x";  // more numbers than a row has registers
  for (std::size_t i = 1; i <= 2100; ++i) chain += ", " + std::to_string(i);
  // It needs 100 numbers at once. The condition computes it first; its right side, which already has 60, does not.
  const std::string wide = "min(min(" + terms("max", 100) + "), max(" + terms("max", 100) + "))";
  const std::string right =
      "max(min(" + terms("min", 60) + ", " + wide + "), max(" + terms("min", 60) + "), max(" + chain + "))";
  const RuleSet rules =
      compiled(document({rule_json("R", "(" + wide + " > 5) == (" + right + " > 2100)")}), Schema({{.name = "x"}}));
  for (const Finding& finding : analyze(rules).findings) CHECK(finding.property == Property::gap);
  for (const double x : {0.0, 5.0, 6.0, 2100.0, 2101.0}) {
    Outcome outcome;
    rules.evaluate(std::vector<double>{x}, {}, outcome);
    CAPTURE(x);
    CHECK(outcome.n_fired == ((std::max(x, 1.5) > 5) == (x > 2100) ? 1 : 0));
  }
}

}  // namespace sluice::test
