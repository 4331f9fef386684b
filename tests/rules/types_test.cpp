#include <fstream>

#include "rules_support.h"
#include "support/naive_rules.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

const Schema kSchema = naive::schema();

std::vector<double> row(const std::vector<std::pair<std::string, std::string>>& cells) {
  std::vector<double> row(kSchema.size(), kMissing);
  for (const auto& [name, text] : cells) {
    const std::size_t column = kSchema.index_of(name);
    REQUIRE(kSchema.parse_cell(column, text, row[column]) != CellStatus::invalid);
  }
  return row;
}

Truth truth(const std::string& when, const std::vector<std::pair<std::string, std::string>>& cells = {}) {
  return truth_of(when, kSchema, row(cells));
}

void all_true(const std::vector<std::string>& conditions,
              const std::vector<std::pair<std::string, std::string>>& cells) {
  for (const auto& when : conditions) CHECK(truth(when, cells) == Truth::yes);
}

void all_refused(const std::vector<std::pair<std::string, std::string>>& conditions) {
  for (const auto& [when, words] : conditions) {
    CAPTURE(when);
    CHECK_THAT(faults_of(when, kSchema), Catch::Contains(words));
  }
}

}  // namespace

TEST_CASE("money is exact in ten-thousandths, and becomes missing if that is impossible") {
  all_true({"0.1 USD + 0.2 USD == 0.3 USD", "amount + fee == 0.3 USD", "amount * 3 == fee * 1.5",
            "1 USD / 3 * 3 == 0.9999 USD", "amount - fee == -0.1 USD", "1.1 USD % 0.25 USD == 0.1 USD",
            "amount / fee == 0.5"},
           {{"amount", "0.1"}, {"fee", "0.2"}});
  CHECK(truth("amount + fee > 0 USD", {{"amount", "9e11"}, {"fee", "9e11"}}) == Truth::missing);
  CHECK(truth("amount * 1e300 * 1e300 > 0 USD", {{"amount", "1"}}) == Truth::missing);
  all_refused({{"amount + price > 0 USD", "money[USD] cannot be added to money[EUR]"}});
}

TEST_CASE("an int is whole and below 2^53, or missing, and it does not mix with a double implicitly") {
  all_true({"int(ratio) == 7", "int(-ratio) == -7", "int(ratio) / 2 == 3", "int(-ratio) / 2 == -3",
            "int(ratio) % 4 == 3", "double(int(ratio)) / 2 == 3.5", "int(ratio) * 2 + 1 == 15", "int(ratio) in [6, 7]",
            "max(int(ratio), 9) == 9", "9007199254740991 - int(ratio) == 9007199254740984"},
           {{"ratio", "7.9"}});
  for (const char* when : {"int(ratio) > 0", "int(ratio) + int(ratio) > 0"})
    CHECK(truth(when, {{"ratio", "9007199254740992"}}) == Truth::missing);
  CHECK(truth("int(ratio) + 1 > 0", {{"ratio", "9007199254740991"}}) == Truth::missing);
  CHECK(truth("int(ratio) * int(ratio) > 0", {{"ratio", "94906267"}}) == Truth::missing);
  CHECK(truth("int(ratio) / 0 > 0", {{"ratio", "1"}}) == Truth::missing);
  all_refused({{"int(ratio) == ratio", "int cannot be compared with double"},
               {"int(ratio) > 0.5", "write double(x) for the int"},
               {"int(amount) > 1", "int needs a number without a unit, not money[USD]"}});
}

TEST_CASE("times and durations are written out, and leap seconds, missing zones and distant years are rejected") {
  all_true({"timestamp('2024-01-31T01:00:00+01:00') == time('2024-01-31')", "duration('36h') == 1.5 days",
            "duration('1h30m') == 90 minutes", "duration('-90s') == -1.5 minutes", "duration('250ms') * 4 == 1 second",
            "opened + duration('1d') == timestamp('2024-03-01T12:30:00Z')", "days(30) == 30 days",
            "opened - hours(ratio) == timestamp('2024-02-29T10:30:00Z')", "year(opened) == 2024", "month(opened) == 2",
            "day(opened) == 29", "hour(opened) == 12", "weekday(opened) == 4", "weekday(opened) in [4, 5]",
            "weekday(time('1970-01-01')) == 4", "weekday(time('1969-12-29')) == 1", "year(time('0001-01-01')) == 1"},
           {{"opened", "2024-02-29T12:30:00Z"}, {"ratio", "2"}});
  CHECK(truth("opened + days(ratio) > opened", {{"opened", "2024-01-01"}, {"ratio", "1e9"}}) == Truth::missing);
  all_refused({{"opened > timestamp('2016-12-31T23:59:60Z')", "cannot represent a leap second"},
               {"opened > timestamp('2024-01-31T00:00:00')", "a timestamp needs a time of day and a zone"},
               {"opened > timestamp('2024-01-31')", "a timestamp needs a time of day and a zone"},
               {"opened > time('10000-01-01')", "this is not a time"},
               {"opened > timestamp('2024-02-30T00:00:00Z')", "this is not a time"},
               {"days(1) > duration('1 day')", "this is not a duration"},
               {"days(1) > duration('')", "this is not a duration"},
               {"days(1) > duration('9999999999999h')", "longer than 9999 years"},
               {"year(ratio) == 1", "year needs a time, not double"},
               {"days(age) > 1 day", "days needs a number without a unit"}});
}

TEST_CASE("now is the caller's time in every phase, and missing without it") {
  const Schema schema(std::vector<Column>{{.name = "opened", .kind = Kind::time}});
  const std::vector<double> cells = {*parse_time("2024-01-01")};
  for (const Phase phase : {Phase::pre, Phase::fallback, Phase::post}) {
    const RuleSet rules = compiled(document({rule_json("A", "now - opened >= 30 days")}), schema, phase);
    ModelOutputs given;
    CHECK(rules.trace(cells, given).rules[0].truth == Truth::missing);
    given.now = *parse_time("2024-01-31");
    CHECK(rules.trace(cells, given).rules[0].truth == Truth::yes);
    given.now -= 1;
    CHECK(rules.trace(cells, given).rules[0].truth == Truth::no);
  }
}

TEST_CASE("functions of words are evaluated on the vocabulary, and ids have no text") {
  all_true({"startsWith(ip_country, 'N')", "ip_country.endsWith('L')", "ip_country.contains('')",
            "size(ip_country) == 2", "ip_country.matches('^[A-Z]{2}$')", "ip_country.matches('L')",
            "lower(ip_country) == 'nl'", "lower(ip_country) in ['nl', 'de']", "ip_country.lower().upper() != 'DE'",
            "card_country.size() == 4", "card_country.contains('\\'')"},
           {{"ip_country", "NL"}, {"card_country", "it's"}});
  for (const char* when : {"startsWith(ip_country, 'N')", "size(ip_country) > 0", "lower(ip_country) == 'nl'"}) {
    CHECK(truth(when) == Truth::missing);
    CHECK(truth(when, {{"ip_country", "somewhere"}}) == Truth::missing);  // the row does not contain the word
  }
  all_refused({{"startsWith(sender, 'a')", "a row has only the hash of an id"},
               {"ip_country.matches('(')", "this is not a regular expression of RE2: missing )"},
               {"ip_country.matches('(a)\\\\1')", "not a regular expression of RE2"},
               {"lower(ip_country) == 'NL'", "no word of ip_country results in \"NL\""},
               {"lower(ip_country) == upper(home)", "two texts that functions return cannot be compared"},
               {"coalesce(lower(ip_country), lower(home)) == 'nl'", "can only be compared"},
               {"is_missing(lower(ip_country))", "test whether the column is missing"},
               {"startsWith(ratio, 'a')", "startsWith needs a category, not double"},
               {"startsWith(ip_country, home)", "needs a text in quotes as its second argument"}});
}

TEST_CASE("no pattern is slow: only RE2, only on words") {
  const std::string word(5000, 'a');
  const Schema schema(std::vector<Column>{{.name = "c", .kind = Kind::category, .vocabulary = {word + "!", word}}});
  CHECK(truth_of("c.matches('^(a+)+$')", schema, {0}) == Truth::no);
  CHECK(truth_of("c.matches('^(a|a)*$')", schema, {1}) == Truth::yes);
  CHECK_THAT(faults_of("c.matches('((a{1000}){1000}){1000}')", schema), Catch::Contains("rules.pattern"));
}

TEST_CASE("constants, lists and derived fields are used by name") {
  Json json = document({rule_json("A", "amount > large && share > most"), rule_json("B", "sender in blocked"),
                        rule_json("C", "ip_country in near && fresh"), rule_json("D", "ip_country == home_word")});
  json["constants"] = {{"large", "5000 USD"}, {"most", 0.9}, {"home_word", "'NL'"}, {"since", "time('2024-01-01')"}};
  json["lists"] = {{"blocked", {{"of", "sender"}, {"values", {"acct-1", "acct-2"}}}},
                   {"near", {{"of", "ip_country"}, {"values", {"NL", "DE"}}}}};
  json["derived"] = {{"share", "ratio_a / 2"}, {"ratio_a", "amount / 5000 USD"}, {"fresh", "opened >= since"}};
  const RuleSet rules = compiled(json, kSchema);
  const Trace trace =
      rules.trace(row({{"amount", "9500"}, {"sender", "acct-2"}, {"ip_country", "NL"}, {"opened", "2024-01-01"}}), {});
  for (const RuleTrace& rule : trace.rules) CHECK(rule.truth == Truth::yes);
  REQUIRE(trace.rules[0].values.size() == 1);
  CHECK(trace.rules[0].values[0].name == "amount");  // the operand of a derived field
  CHECK(rules.trace(row({{"sender", "acct-3"}}), {}).rules[1].truth == Truth::no);
  CHECK(rules.trace(row({}), {}).rules[1].truth == Truth::missing);
}

TEST_CASE("faults of a definition are reported at its place") {
  const auto fault = [](const char* key, const Json& value) {
    Json json = document({rule_json("A", "true")});
    json[key] = value;
    return messages(RuleSet::compile(json.dump(), "r.json", kSchema, Phase::pre).diagnostics);
  };
  CHECK_THAT(fault("constants", {{"x", "amount"}}), Catch::Contains("/constants/x: a constant is one literal"));
  CHECK_THAT(fault("constants", {{"amount", 1}}), Catch::Contains("\"amount\" is already a column"));
  CHECK_THAT(fault("derived", {{"x", "y + 1"}, {"y", "x + 1"}}), Catch::Contains("rules.cycle"));
  CHECK_THAT(fault("derived", {{"x", "nothing + 1"}}),
             Catch::Contains("/derived/x, column 1: the schema has no column"));
  CHECK_THAT(fault("derived", {{"x", "lower(ip_country)"}}), Catch::Contains("a text cannot be a derived field"));
  CHECK_THAT(fault("lists", {{"x", {{"of", "nothing"}, {"values", {1}}}}}),
             Catch::Contains("/lists/x/of: the schema has no column"));
  CHECK_THAT(fault("lists", {{"x", {{"of", "ratio"}, {"values", {"many"}}}}}),
             Catch::Contains("\"many\" is not a value of ratio"));
  CHECK_THAT(fault("lists", {{"x", {{"of", "ratio"}}}}), Catch::Contains("either \"file\" or \"values\""));
  CHECK_THAT(fault("lists", {{"x", {{"of", "ratio"}, {"file", "../x.txt"}}}}),
             Catch::Contains("a list must be in the document's folder"));
  CHECK_THAT(fault("lists", {{"x", {{"of", "ratio"}, {"file", "x.txt"}}}}),
             Catch::Contains("the document has no folder"));
  CHECK_THAT(faults_of("ratio in nothing", kSchema), Catch::Contains("there is no list \"nothing\""));
}

TEST_CASE("a list of a million ids can be in a file next to the document, and is part of the digest") {
  const TempDir dir;
  constexpr std::size_t kIds = 1'000'000;
  {
    std::ofstream file(dir / "blocked.txt");
    for (std::size_t i = 0; i < kIds; ++i) file << "card-" << 2 * i << "\r\n";
    file << "\n";
  }
  Json json = document({rule_json("A", "sender in blocked")});
  json["lists"]["blocked"] = {{"of", "sender"}, {"file", "blocked.txt"}};
  std::ofstream(dir / "pre.json") << json;
  const RuleSet rules = RuleSet::load(dir / "pre.json", kSchema, Phase::pre);
  for (const std::size_t i : {std::size_t{0}, std::size_t{7}, kIds / 2, 2 * kIds - 2, 2 * kIds - 1})
    CHECK(rules.trace(row({{"sender", "card-" + std::to_string(i)}}), {}).rules[0].truth ==
          (i % 2 ? Truth::no : Truth::yes));
  const Digest before = rules.digest();
  std::ofstream(dir / "blocked.txt", std::ios::app) << "card-1\n";
  CHECK_FALSE(RuleSet::load(dir / "pre.json", kSchema, Phase::pre).digest() == before);
  std::filesystem::remove(dir / "blocked.txt");
  CHECK_THROWS_AS(RuleSet::load(dir / "pre.json", kSchema, Phase::pre), Error);
}

}  // namespace sluice::test
