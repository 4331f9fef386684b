#include "rules_support.h"
#include "support/allocations.h"
#include "support/naive_rules.h"

namespace sluice::test {
namespace {

const Schema kSchema = naive::schema();

Outcome outcome_of(const std::vector<Json>& rules, const std::string& policy,
                   const std::vector<double>& row = std::vector<double>(kSchema.size(), kMissing)) {
  Outcome outcome;
  compiled(document(rules, policy), kSchema).evaluate(row, {}, outcome);
  return outcome;
}

std::vector<std::uint16_t> list(const RuleList& rules) { return {rules.begin(), rules.end()}; }

using Indices = std::vector<std::uint16_t>;

}  // namespace

TEST_CASE("hit policies: priority by action, first by position, unique or undecided") {
  const std::vector<Json> rules = {rule_json("A", "true", "APPROVE"), rule_json("B", "false", "DECLINE"),
                                   rule_json("C", "true", "REVIEW"), rule_json("D", "true", "REVIEW")};
  const Outcome priority = outcome_of(rules, "priority"), first = outcome_of(rules, "first"),
                unique = outcome_of(rules, "unique");
  CHECK(priority.action == Action::review);
  CHECK(priority.decisive == 2);
  CHECK(first.action == Action::approve);
  CHECK(first.decisive == 0);
  CHECK(unique.action == Action::none);
  CHECK(unique.undecided);
  CHECK(unique.decisive == kNoRule);
  for (const Outcome& outcome : {priority, first, unique}) CHECK(list(outcome.fired) == Indices{0, 2, 3});
  const Outcome alone = outcome_of({rules[1], rules[2]}, "unique");
  CHECK(alone.action == Action::review);
  CHECK_FALSE(alone.undecided);
}

TEST_CASE("if no rule fires there is no action") {
  for (const char* policy : {"priority", "first", "unique"}) {
    CHECK(outcome_of({rule_json("A", "false")}, policy) == Outcome{});
    CHECK(outcome_of({}, policy) == Outcome{});
  }
}

TEST_CASE("on_missing can skip, fire, or have its own action, and each is recorded as missing") {
  const Outcome outcome =
      outcome_of({rule_json("A", "ratio > 1", "DECLINE", "SKIP"), rule_json("B", "ratio > 1", "APPROVE", "FIRE"),
                  rule_json("C", "ratio > 1", "APPROVE", "REVIEW")},
                 "priority");
  CHECK(list(outcome.missing) == Indices{0, 1, 2});
  CHECK(list(outcome.fired) == Indices{1, 2});
  CHECK(outcome.action == Action::review);
  CHECK(outcome.decisive == 2);
}

TEST_CASE("an outcome counts every rule and lists the first 32") {
  const Outcome outcome =
      outcome_of(std::vector<Json>([] {
                   std::vector<Json> rules;
                   for (int i = 0; i < 100; ++i)
                     rules.push_back(rule_json("R" + std::to_string(i), i % 2 ? "true" : "ratio > 1",
                                               i == 99 ? "DECLINE" : "REVIEW"));
                   return rules;
                 }()),
                 "priority");
  CHECK(outcome.n_fired == 50);
  CHECK(outcome.n_missing == 50);
  CHECK(outcome.fired.size() == 32);
  CHECK(outcome.fired[31] == 63);
  CHECK(outcome.missing[31] == 62);
  CHECK(outcome.decisive == 99);
}

TEST_CASE("evaluating allocates nothing") {
  const RuleSet rules =
      compiled(document({rule_json("A", "amount > 5 USD && ip_country in ['NL', 'DE'] && ip_country != card_country"),
                         rule_json("B", "coalesce(max(ratio, 1), 2) > 1 || p_forest > 0.5")}),
               kSchema);
  const std::vector<double> row(kSchema.size(), 7.0);
  std::vector<Outcome> outcomes(1);
  const std::size_t before = n_allocations();
  rules.evaluate(row, {}, outcomes[0]);
  rules.evaluate(RowsView(row.data(), 1, row.size()), {}, outcomes);
  CHECK(n_allocations() == before);
  CHECK(outcomes[0].n_fired > 0);
}

TEST_CASE("a trace has the values that every rule read, and why it did not fire") {
  const RuleSet rules =
      compiled(document({rule_json("A", "amount > 5000 USD && (ip_country == 'NL' || ratio > 2) && amount < 1e6 USD"),
                         rule_json("B", "ratio > 1", "DECLINE", "APPROVE"),
                         rule_json("C", "now > time('2024-01-01') && p_forest > 0.25")}),
               kSchema);
  std::vector<double> row(kSchema.size(), kMissing);
  const auto set = [&](const char* name, const char* text) {
    kSchema.parse_cell(kSchema.index_of(name), text, row[kSchema.index_of(name)]);
  };
  set("amount", "7000.5"), set("ip_country", "DE"), set("now", "2024-02-01");
  ModelOutputs models;
  models.p_forest = 0.5;
  const Trace trace = rules.trace(row, models);
  const auto values = [&](std::size_t i) {
    std::string text;
    for (const auto& value : trace.rules[i].values) text += value.name + "=" + value.text + ";";
    return text;
  };
  CHECK(values(0) == "amount=7000.5;ip_country=DE;ratio=;");
  CHECK(trace.rules[0].truth == Truth::missing);
  CHECK(trace.rules[0].cause == "(ip_country == 'NL' || ratio > 2)");
  CHECK(trace.rules[0].action == Action::none);
  CHECK(trace.rules[1].truth == Truth::missing);
  CHECK(trace.rules[1].action == Action::approve);
  CHECK(values(2) == "now=1706745600;p_forest=0.5;");
  CHECK(trace.rules[2].truth == Truth::yes);
  CHECK(trace.rules[2].cause.empty());
  CHECK(trace.outcome.action == Action::review);
}

TEST_CASE("rows of another width are rejected") {
  const RuleSet rules = compiled(document({}), kSchema);
  const std::vector<double> narrow(3, 0.0);
  std::vector<Outcome> outcomes(1), none;
  CHECK_THROWS_AS(rules.trace(narrow, {}), Error);
  CHECK_THROWS_AS(rules.evaluate(RowsView(narrow.data(), 1, 3), {}, outcomes), Error);
  const std::vector<double> row(kSchema.size(), 0.0);
  CHECK_THROWS_AS(rules.evaluate(RowsView(row.data(), 1, row.size()), {}, none), Error);
}

TEST_CASE("invalid cells are read as words outside the vocabulary, never out of bounds") {
  const RuleSet rules =
      compiled(document({rule_json("A", "ip_country == card_country"), rule_json("B", "ip_country == 'NL'")}), kSchema);
  for (const double cell : {-1.0, 1e18, -HUGE_VAL, HUGE_VAL, 4.0, 1e300}) {
    const std::vector<double> row(kSchema.size(), cell);
    Outcome outcome;
    rules.evaluate(row, {}, outcome);
    CHECK(outcome.n_fired == 0);
  }
}

TEST_CASE("a rule set runs its own tests and reports actual values") {
  Json json = document({rule_json("R17", "amount > 5000 USD && ip_country != card_country", "REVIEW", "REVIEW"),
                        rule_json("R18", "p_final > 0.9", "DECLINE")});
  const Json in = {{"amount", 9000}, {"ip_country", "NL"}, {"card_country", "CN"}, {"p_final", 0.95}};
  json["tests"] = {
      {{"in", in}, {"expect", {{"action", "DECLINE"}, {"fired", {"R18", "R17"}}, {"missing", Json::array()}}}},
      {{"in", {{"amount", "9000"}}},
       {"expect", {{"action", "REVIEW"}, {"missing", {"R17", "R18"}}, {"undecided", false}}}},
      {{"in", {{"amount", nullptr}, {"ip_country", "FR"}, {"card_country", "FR"}}},
       {"expect", {{"action", "none"}, {"fired", Json::array()}}}}};
  CHECK(compiled(json, kSchema).n_tests() == 3);
  CHECK(compiled(json, kSchema).run_tests().empty());
  json["tests"][0]["expect"] = {{"action", "REVIEW"}, {"fired", {"R17"}}};
  const auto failures = compiled(json, kSchema).run_tests();
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].pointer == "/tests/0/expect/action");
  CHECK(failures[0].message == "expected REVIEW, got DECLINE");
  CHECK(failures[1].message == "expected [R17], got [R17, R18]");
}

TEST_CASE("a test's number is read like its text: the codes for missing apply") {
  const Schema schema(std::vector<Column>{{.name = "income", .missing_codes = {"-999"}}});
  Json json = document({rule_json("A", "is_missing(income)")});
  json["tests"] = {{{"in", {{"income", -999}}}, {"expect", {{"fired", {"A"}}}}},
                   {{"in", {{"income", 0.1}}}, {"expect", {{"fired", Json::array()}}}}};
  CHECK(compiled(json, schema).run_tests().empty());
}

TEST_CASE("a rule set has its metadata, and its digest depends on meaning, not on spacing") {
  Json json = document({rule_json("A", "amount > 5 USD", "DECLINE", "FIRE")}, "first");
  json["rules"][0]["description"] = "large";
  const RuleSet rules = compiled(json, kSchema);
  CHECK(rules.name() == "test");
  CHECK(rules.version() == 1);
  CHECK(rules.hit_policy() == HitPolicy::first);
  CHECK(rules.size() == 1);
  CHECK(rules.rule(0).id == "A");
  CHECK(rules.rule(0).when == "amount > 5 USD");
  CHECK(rules.rule(0).reason == "REASON_A");
  CHECK(rules.rule(0).description == "large");
  CHECK(rules.rule(0).action_if_missing == Action::decline);
  CHECK(RuleSet::compile(json.dump(4), "other.json", kSchema, Phase::post).rules->digest() == rules.digest());
  CHECK_FALSE(RuleSet::compile(json.dump(), "x", kSchema, Phase::pre).rules->digest() == rules.digest());
  json["rules"][0]["then"]["reason"] = "OTHER";
  CHECK_FALSE(compiled(json, kSchema).digest() == rules.digest());
}

TEST_CASE("actions have the spelling of documents") {
  for (const Action action : {Action::approve, Action::review, Action::decline})
    CHECK(parse_action(to_string(action)) == action);
  for (const char* text : {"none", "", "approve", "APPROVE "}) CHECK_FALSE(parse_action(text).has_value());
}

}  // namespace sluice::test
