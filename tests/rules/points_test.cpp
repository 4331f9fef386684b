#include "rules_support.h"
#include "support/naive_rules.h"

namespace sluice::test {
namespace {

const Schema kSchema = naive::schema();

Json points_rule(const std::string& id, const std::string& when, std::int64_t points, const Json& on_missing = "SKIP") {
  return {{"id", id}, {"when", when}, {"on_missing", on_missing}, {"then", {{"points", points}, {"reason", id}}}};
}

Json card() {
  Json json = document({points_rule("young", "ratio < 1", 30), points_rule("large", "amount > 100 USD", 50, "FIRE"),
                        points_rule("loyal", "age > 100 days", -40, {{"points", 5}})},
                       "collect_sum");
  json.erase("priority");
  json["points_to_action"] = {{{"at_least", 80}, {"action", "DECLINE"}}, {{"at_least", 50}, {"action", "REVIEW"}}};
  return json;
}

Outcome outcome_of(const Json& json, double ratio, double amount, double age) {
  std::vector<double> row(kSchema.size(), kMissing);
  row[kSchema.index_of("ratio")] = ratio, row[kSchema.index_of("amount")] = amount, row[kSchema.index_of("age")] = age;
  Outcome outcome;
  compiled(json, kSchema).evaluate(row, {}, outcome);
  return outcome;
}

std::string faults(const Json& json) {
  return messages(RuleSet::compile(json.dump(), "r.json", kSchema, Phase::pre).diagnostics);
}

}  // namespace

TEST_CASE("a points card adds what fires, and cut-offs turn the sum into an action") {
  struct Case {
    double ratio, amount, age;
    std::int64_t points;
    Action action;
  };
  for (const Case& c :
       {Case{0, 200, 0, 80, Action::decline}, Case{0, 200, 200, 40, Action::none}, Case{2, 200, 0, 50, Action::review},
        Case{2, 0, 200, -40, Action::none}, Case{kMissing, kMissing, kMissing, 55, Action::review}}) {
    const Outcome outcome = outcome_of(card(), c.ratio, c.amount, c.age);
    CHECK(outcome.points == c.points);
    CHECK(outcome.action == c.action);
    CHECK(outcome.decisive == kNoRule);
  }
  CHECK(outcome_of(card(), kMissing, kMissing, kMissing).n_missing == 3);
  CHECK(outcome_of(card(), kMissing, kMissing, kMissing).n_fired == 2);
}

TEST_CASE("a set that collects decides nothing and lists what fires") {
  Json json = document({rule_json("A", "ratio < 1"), rule_json("B", "amount > 100 USD", "REVIEW", "FIRE")}, "collect");
  for (Json& rule : json["rules"]) rule["then"].erase("action");
  const Outcome outcome = outcome_of(json, 0, kMissing, 0);
  CHECK(outcome.action == Action::none);
  CHECK_FALSE(outcome.undecided);
  CHECK(outcome.n_fired == 2);
  CHECK(outcome.fired[1] == 1);
}

TEST_CASE("a points card runs its tests like any set") {
  Json json = card();
  json["tests"] = {
      {{"in", {{"ratio", 0}, {"amount", 200}, {"age", 0}}}, {"expect", {{"points", 80}, {"action", "DECLINE"}}}},
      {{"in", {{"ratio", 0}}}, {"expect", {{"points", 1}}}}};
  const auto failures = compiled(json, kSchema).run_tests();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].message == "expected 1, got 85");
}

TEST_CASE("points and actions cannot be mixed") {
  Json json = card();
  json["points_to_action"][1]["at_least"] = 80;
  CHECK_THAT(faults(json), Catch::Contains("/points_to_action/1/at_least: it is not below the previous one"));
  json = card();
  json["rules"][0]["then"]["action"] = "REVIEW";
  CHECK_THAT(faults(json), Catch::Contains("rules.unknown_key"));
  json = card();
  json["rules"][0]["on_missing"] = "REVIEW";
  CHECK_THAT(faults(json), Catch::Contains("/rules/0/on_missing"));
  json = card();
  json["rules"][0]["then"]["points"] = 2'000'000'000;
  CHECK_THAT(faults(json), Catch::Contains("rules.range"));
  json = document({rule_json("A", "true")});
  json["points_to_action"] = Json::array();
  CHECK_THAT(faults(json), Catch::Contains("only the hit policy \"collect_sum\" has points"));
}

TEST_CASE("the cost of a row is bounded and reported") {
  Json json = document({rule_json("A", "ratio > 1 && ratio < 5"), rule_json("B", "ratio > 1 && amount > 5 USD")});
  const RuleSet rules = compiled(json, kSchema);
  CHECK(rules.cost() == 9);  // two columns, three comparisons (one is shared), two "and", two rules
  json["max_cost"] = 9;
  CHECK(faults(json).empty());
  json["max_cost"] = 8;
  CHECK_THAT(faults(json),
             Catch::Contains("rules.cost") && Catch::Contains("evaluating a row costs 9 units; 8 is the limit"));
}

TEST_CASE("every batch size gives the outcomes of single rows, and 10,000 rules compile") {
  std::vector<Json> many;
  for (int i = 0; i < 10'000; ++i)
    many.push_back(rule_json("R" + std::to_string(i), "ratio > " + std::to_string(i % 997) + " && amount * 2 < " +
                                                          std::to_string(i) + " USD || p_final > 0." +
                                                          std::to_string(i)));
  const RuleSet rules = compiled(document(many), kSchema);
  for (const std::size_t n : {1, 2, 8, 9, 63, 64, 65, 130}) {
    Table rows(kSchema.size(), n);
    std::vector<ModelOutputs> given(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (double& cell : rows.row(i)) cell = kMissing;
      rows.row(i)[kSchema.index_of("ratio")] = 37.0 * static_cast<double>(i % 30);
      rows.row(i)[kSchema.index_of("amount")] = i % 5 ? 61.0 * static_cast<double>(i) : kMissing;
      given[i].p_final = i % 3 ? static_cast<double>(i) / 130 : kMissing;
    }
    std::vector<Outcome> outcomes(n);
    rules.evaluate(rows.view(), given, outcomes);
    for (std::size_t i = 0; i < n; ++i) {
      Outcome one;
      rules.evaluate(rows.row(i), given[i], one);
      REQUIRE(one == outcomes[i]);
      REQUIRE(rules.trace(rows.row(i), given[i]).outcome == one);
    }
  }
}

}  // namespace sluice::test
