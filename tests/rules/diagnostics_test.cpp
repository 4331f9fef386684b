#include "rules_support.h"
#include "support/naive_rules.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <fstream>
#include <set>

namespace sluice::test {
namespace {

const Schema kSchema = naive::schema();

struct Faulty {
  std::string when, kind;
  int column;
  std::string message, hint = {};
};

/// Pointer, column and kind of every diagnostic of a document.
std::vector<std::string> places(const Json& json) {
  std::vector<std::string> places;
  for (const auto& d : RuleSet::compile(json.dump(), "r.json", kSchema, Phase::pre).diagnostics)
    places.push_back(d.code + " " + d.pointer);
  return places;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

TEST_CASE("a fault is reported with its place, the text, a caret and a hint") {
  CHECK(faults_of("amount > 5000", kSchema) ==
        "error: rules.type: rules/pre.json at /rules/0/when, column 8: money[USD] cannot be compared with double\n"
        "    amount > 5000\n"
        "           ^\n"
        "  hint: write 5000 USD\n");
}

TEST_CASE("every fault of a condition has its own message") {
  const std::vector<Faulty> faulty = {
      {"amount > price", "unit", 8, "money[USD] cannot be compared with money[EUR]",
       "convert one of them: x / 1 EUR * RATE USD"},
      {"amount > ratio", "type", 8, "money[USD] cannot be compared with double", "multiply the double by 1 USD"},
      {"ratio > 5 USD", "type", 7, "double cannot be compared with money[USD]",
       "remove USD, or set the column's unit in the schema"},
      {"amount * fee > 1 USD", "unit", 8, "money[USD] cannot be multiplied by money[USD]",
       "one factor of a product has no unit"},
      {"1 / amount > 1", "type", 3, "double cannot be divided by money[USD]", "write 1 USD"},
      {"amount - ratio > 1 USD", "type", 8, "money[USD] cannot be reduced by double", "multiply the double by 1 USD"},
      {"coalesce(amount, 0) > 1 USD", "type", 18, "money[USD] cannot be replaced by double", "write 0 USD"},
      {"true ? 1 : 2 USD", "type", 12, "double cannot be an alternative to money[USD]", "write 1 USD"},
      {"age > 30", "type", 5, "duration[days] cannot be compared with double", "write 30 days"},
      {"age > 30 dayz", "unit", 5, "duration[days] cannot be compared with double[dayz]", "did you mean \"days\"?"},
      {"opened > '2024-01-01'", "type", 8, "time cannot be compared with text", "write time('2024-01-01')"},
      {"opened > 5", "type", 8, "time cannot be compared with double",
       "compare a time with a time, such as time(\"2024-01-31\"); a time minus a time is a duration"},
      {"opened + 5 > now", "type", 8, "time and double cannot be combined in +",
       "add a duration to a time or subtract one, such as 30 days"},
      {"ip_country == 3", "type", 12, "category cannot be compared with double", "write the word in quotes"},
      {"ip_country < 'NL'", "type", 12, "category has no order", "compare with ==, != or in"},
      {"sender > 'x'", "type", 8, "id has no order", "compare with ==, != or in"},
      {"coalesce(ip_country, card_country) == 'NL'", "type", 22,
       "category cannot be replaced by category of another vocabulary"},
      {"1 < ratio < 2", "type", 11, "bool cannot be compared with double", "write a < b && b < c for a < b < c"},
      {"ratio", "type", 1, "the condition is double, not bool", "compare it with something"},
      {"!ratio", "type", 2, "expected a bool, not double", "compare it with something"},
      {"-ip_country > 3", "type", 2, "expected a number, not category"},
      {"round(opened) == now", "type", 1, "round needs a number, not time"},
      {"amuont > 1 USD", "unknown_column", 1, "the schema has no column \"amuont\"", "did you mean amount?"},
      {"ip_country == \"D\"", "unknown_word", 15, "\"D\" is not in the vocabulary of ip_country",
       "did you mean \"DE\"?"},
      {"ip_country == 'Xylophone'", "unknown_word", 15, "\"Xylophone\" is not in the vocabulary of ip_country",
       "the words are NL, DE, FR, US"},
      {"rond(ratio) > 1", "unknown_function", 1, "unknown function \"rond\"", "did you mean round?"},
      {"abs(ratio, 1) > 1", "arguments", 1, "abs takes one argument, not 2"},
      {"p_final > 0.5", "phase", 1, "\"p_final\" is unknown before the models have run", "only post rules can read it"},
      {"ratio = 1", "syntax", 7, "'=' has no meaning here", "write == for equality"},
      {"ratio > 1 and ratio < 2", "syntax", 11, "expected an operator or the end, not \"and\"", "\"and\" is &&"},
      {"(ratio > 1", "syntax", 11, "expected \")\", not the end"},
      {"ratio in [amount]", "syntax", 11, "a list may contain only literals",
       "write x == a || x == b for other values"},
      {"ratio in []", "syntax", 11, "expected a value, not \"]\""},
      {"ratio > 1e999", "syntax", 9, "the number is out of the range of double"},
      {"sender == 'x", "syntax", 11, "the closing ' is missing"},
      {"time('soon') > now", "syntax", 6, "this is not a time",
       "write a time in ISO 8601: \"2024-01-31\" or \"2024-01-31T13:05:59Z\""}};
  for (const Faulty& f : faulty) {
    const auto found =
        RuleSet::compile(document({rule_json("R", f.when)}).dump(), "r.json", kSchema, Phase::pre).diagnostics;
    CAPTURE(f.when, messages(found));
    REQUIRE(found.size() == 1);
    CHECK(found[0].code == "rules." + f.kind);
    CHECK(found[0].pointer == "/rules/0/when");
    CHECK(found[0].column == f.column);
    CHECK(found[0].message == f.message);
    CHECK(found[0].hint == f.hint);
  }
}

TEST_CASE("independent faults of one condition are all reported, and no fault causes further reports") {
  const auto found =
      RuleSet::compile(
          document({rule_json("R", "amuont > 1 && ip_country == 'N' && (ratio || age > 3) && foo(bar) == 1 USD")})
              .dump(),
          "r.json", kSchema, Phase::pre)
          .diagnostics;
  std::vector<std::string> told;
  for (const auto& d : found) told.push_back(d.code + " " + std::to_string(d.column));
  CHECK(told == std::vector<std::string>{"rules.unknown_column 1", "rules.unknown_word 29", "rules.type 37",
                                         "rules.type 50", "rules.unknown_function 58", "rules.unknown_column 62"});
}

TEST_CASE("a condition with thousands of faults reports a hundred, and that there are more") {
  std::string words = "'x'";
  for (int i = 0; i < 5000; ++i) words += ", 'x" + std::to_string(i) + "'";
  const auto found = RuleSet::compile(document({rule_json("R", "ip_country in [" + words + "]")}).dump(), "r.json",
                                      kSchema, Phase::pre)
                         .diagnostics;
  REQUIRE(found.size() == 101);
  CHECK(found.back().message == "the expression has more than 100 faults; the rest is not listed");
}

TEST_CASE("all thirteen errors of a document are reported") {
  Json json = document({rule_json("A", "amount > 5000"), rule_json("A", "nonsense > 1"), rule_json("C", "ratio >"),
                        rule_json("D", "true", "REJECT"), rule_json("E", "true", "REVIEW", "IGNORE"),
                        rule_json("F", "true"), rule_json("G", "true")});
  json["rules"][5].erase("on_missing");
  json["rules"][6]["whem"] = "x";
  json["priority"] = {"DECLINE", "REVIEW"};
  json["hitpolicy"] = "first";
  json["tests"] = {{{"in", {{"amuont", 1}, {"ratio", "many"}}}, {"expect", {{"fired", {"Z"}}}}}};
  const auto found = places(json);
  for (const char* expected :
       {"rules.type /rules/0/when", "rules.duplicate_id /rules/1/id", "rules.unknown_column /rules/1/when",
        "rules.syntax /rules/2/when", "rules.value /rules/3/then/action", "rules.value /rules/4/on_missing",
        "rules.missing /rules/5/on_missing", "rules.unknown_key /rules/6/whem", "rules.priority /priority",
        "rules.unknown_key /hitpolicy", "rules.unknown_column /tests/0/in/amuont", "rules.value /tests/0/in/ratio",
        "rules.unknown_rule /tests/0/expect/fired/0"}) {
    CAPTURE(expected);
    CHECK(contains(found, expected));
  }
  CHECK(found.size() == 13);
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == 13);
}

TEST_CASE("documents of the wrong shape are rejected with their place") {
  CHECK(places(Json::array()) == std::vector<std::string>{"rules.type ", "rules.missing /ruleset",
                                                          "rules.missing /version", "rules.missing /rules",
                                                          "rules.missing /priority"});
  CHECK(places({{"ruleset", 1}, {"version", -1}, {"rules", "none"}, {"hit_policy", "any"}}) ==
        std::vector<std::string>{"rules.type /ruleset", "rules.range /version", "rules.value /hit_policy",
                                 "rules.missing /priority", "rules.type /rules"});
  CHECK(places(document({1, Json::object()})) ==
        std::vector<std::string>{"rules.type /rules/0", "rules.missing /rules/0/id", "rules.missing /rules/0/when",
                                 "rules.missing /rules/0/then", "rules.missing /rules/0/on_missing",
                                 "rules.missing /rules/1/id", "rules.missing /rules/1/when",
                                 "rules.missing /rules/1/then", "rules.missing /rules/1/on_missing"});
  Json doubled = document({});
  doubled["priority"] = {"DECLINE", "DECLINE", "REVIEW", "APPROVE", "PASS"};
  CHECK(places(doubled) == std::vector<std::string>{"rules.priority /priority", "rules.priority /priority"});
  Json no_expectation = document({});
  no_expectation["tests"] = {{{"in", Json::object()}, {"expect", Json::object()}}};
  CHECK(places(no_expectation) == std::vector<std::string>{"rules.value /tests/0/expect"});
  CHECK(places(document(std::vector<Json>(kMaxRules + 1, rule_json("R", "true")))) ==
        std::vector<std::string>{"rules.too_many /rules"});
}

TEST_CASE("invalid JSON is reported with line and column") {
  const auto fault = [](const std::string& json) {
    return messages(RuleSet::compile(json, "r.json", kSchema, Phase::pre).diagnostics);
  };
  CHECK(fault("{\"ruleset\": }").starts_with("error: rules.json: r.json: line 1, column 13: syntax error"));
  CHECK(fault("{\"version\": 1e999}").starts_with("error: rules.json: r.json: number overflow"));
  CHECK(fault("{\"version\": 1, \"version\": 2}")
            .starts_with("error: rules.json: r.json: the key \"version\" occurs twice"));
  CHECK(fault(std::string(1'000'000, '[')).starts_with("error: rules.json: r.json: more than 256 levels of nesting"));
  CHECK(fault("").starts_with("error: rules.json: r.json: line 1"));
}

TEST_CASE("depth and length are bounded, and the limit is reported") {
  const auto kind = [](const std::string& when) {
    const auto found =
        RuleSet::compile(document({rule_json("R", when)}).dump(), "r.json", kSchema, Phase::pre).diagnostics;
    return found.empty() ? "" : found[0].code;
  };
  const auto repeated = [](const std::string& piece, std::size_t n) {
    std::string text;
    while (n-- > 0) text += piece;
    return text;
  };
  CHECK(kind(repeated("(", 100'000) + "true" + repeated(")", 100'000)) == "rules.too_deep");
  CHECK(kind(repeated("!", 100'000) + "true") == "rules.too_deep");
  CHECK(kind(repeated("true ? true : ", 100'000) + "true") == "rules.too_deep");
  CHECK(kind(repeated("ratio + ", 100'000) + "1 > 0") == "rules.too_long");
  CHECK(kind(repeated("(", 40) + "true" + repeated(")", 40)) == "");
  CHECK(kind(repeated("ratio + ", 4'000) + "1 > 0") == "");
  CHECK(kind("ratio in [" + repeated("1,", 9'000) + "2]") == "");
  CHECK(kind("min(" + repeated("ratio,", 3'000) + "2) > 0") == "");
}

TEST_CASE("a condition that needs more registers than there are is rejected") {
  const auto fault = [](std::size_t n_columns) {
    std::vector<Column> columns;
    std::string sum, product;
    for (std::size_t i = 0; i < n_columns; ++i) {
      columns.push_back({.name = "c" + std::to_string(i)});
      sum += " + " + columns.back().name;
      product += " * " + columns.back().name;  // each column is read again when all have been read
    }
    return faults_of("0" + sum + " > 1" + product, Schema(columns));
  };
  CHECK(fault(100).empty());
  CHECK(fault(200).find("rules.too_deep") != std::string::npos);
}

TEST_CASE("the caret is under the right character, also after letters of several bytes and line breaks") {
  CHECK(faults_of("`n items` > 1 && sender == 'né' \n&& ratio", kSchema) ==
        "error: rules.type: rules/pre.json at /rules/0/when, column 37: expected a bool, not double\n"
        "    `n items` > 1 && sender == 'né'  && ratio\n" +
            std::string(4 + 36, ' ') + "^\n  hint: compare it with something\n");
}

TEST_CASE("a word of a test outside the vocabulary is a warning, and the set compiles") {
  Json json = document({rule_json("R", "ip_country == 'NL'")});
  json["tests"] = {{{"in", {{"ip_country", "LN"}}}, {"expect", {{"action", "none"}}}}};
  const CompileResult result = RuleSet::compile(json.dump(), "r.json", kSchema, Phase::pre);
  REQUIRE(result.rules.has_value());
  CHECK(
      messages(result.diagnostics) ==
      "warning: rules.unknown_word: r.json at /tests/0/in/ip_country: \"LN\" is not in the vocabulary of ip_country\n");
}

TEST_CASE("a column with the name of a model output is ambiguous in post rules") {
  const Schema schema(std::vector<Column>{{.name = "p_final"}});
  CHECK(faults_of("p_final > 0.5", schema, Phase::pre).empty());
  CHECK(faults_of("p_final > 0.5", schema, Phase::post).find("both a column and an output of the models") !=
        std::string::npos);
}

TEST_CASE("load throws with the text of every error") {
  const TempDir dir;
  const auto path = dir / "pre.json";
  std::ofstream(path) << document({rule_json("A", "amount > 5000"), rule_json("B", "nope")}).dump();
  try {
    RuleSet::load(path, kSchema, Phase::pre);
    FAIL("loaded");
  } catch (const Error& e) {
    CHECK(e.code() == "rules.type");
    CHECK(e.message().find("write 5000 USD") != std::string::npos);
    CHECK(e.message().find("no column \"nope\"") != std::string::npos);
  }
  CHECK_THROWS_AS(RuleSet::load(dir / "absent.json", kSchema, Phase::pre), Error);
}

}  // namespace sluice::test
