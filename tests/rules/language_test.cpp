#include "rules_support.h"
#include "support/naive_rules.h"

namespace sluice::test {
namespace {

const Schema kSchema = naive::schema();

/// A row with the given cells and all others missing; texts as Schema::parse_cell reads them.
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

}  // namespace

TEST_CASE("logic follows Kleene's tables") {
  const std::vector<std::string> values = {"false", "true", "ratio > 0"};  // the last is missing
  const Truth N = Truth::no, Y = Truth::yes, M = Truth::missing;
  const Truth all[] = {N, Y, M};
  const Truth tables_and[3][3] = {{N, N, N}, {N, Y, M}, {N, M, M}}, tables_or[3][3] = {{N, Y, M}, {Y, Y, Y}, {M, Y, M}};
  const Truth tables_equal[3][3] = {{Y, N, M}, {N, Y, M}, {M, M, M}}, not_table[] = {Y, N, M};
  for (int a = 0; a < 3; ++a) {
    CHECK(truth(values[a]) == all[a]);
    CHECK(truth("!(" + values[a] + ")") == not_table[a]);
    CHECK(truth("is_missing(" + values[a] + ")") == (all[a] == M ? Y : N));
    for (int b = 0; b < 3; ++b) {
      CAPTURE(values[a], values[b]);
      CHECK(truth(values[a] + " && " + values[b]) == tables_and[a][b]);
      CHECK(truth(values[a] + " || " + values[b]) == tables_or[a][b]);
      CHECK(truth("(" + values[a] + ") == (" + values[b] + ")") == tables_equal[a][b]);
    }
  }
}

TEST_CASE("a comparison with a missing value is missing in every form") {
  for (const char* when :
       {"ratio < 1", "ratio >= 1", "ratio == ratio", "ratio != 1", "ratio in [1, 2]", "!(ratio in [1, 2])", "1 < ratio",
        "abs(ratio) > 1", "min(ratio, 1) < 5", "max(1, ratio) > 0", "ratio + 1 > 0", "ip_country == 'NL'",
        "ip_country != card_country", "sender == 'a'", "opened > time('2024-01-01')", "now - opened < 1 days",
        "(ratio > 1 ? 1 : 1) == 1"})
    CHECK(truth(when) == Truth::missing);
  CHECK(truth("coalesce(ratio, 3) == 3") == Truth::yes);
  CHECK(truth("coalesce(ip_country, 'NL') == 'NL'") == Truth::yes);
}

TEST_CASE("undefined arithmetic is missing: division by zero, zero times infinity") {
  for (const char* when : {"1 / `n items` > 0", "0 / `n items` > 0", "1 % `n items` == 0", "-1 / -`n items` < 0"})
    CHECK(truth(when, {{"n items", "0"}}) == Truth::missing);
  CHECK(truth("(ratio - ratio) == 0", {{"ratio", "inf"}}) == Truth::missing);
  CHECK(truth("ratio * 0 == 0", {{"ratio", "inf"}}) == Truth::missing);
  CHECK(truth("ratio > 1e300", {{"ratio", "inf"}}) == Truth::yes);
}

TEST_CASE("arithmetic has the usual precedence, associativity and rounding") {
  for (const char* when :
       {"1 + 2 * 3 == 7",    "(1 + 2) * 3 == 9",  "10 - 4 - 3 == 3",        "100 / 10 / 5 == 2",
        "7 % 4 == 3",        "-7 % 4 == -3",      "-2 * -3 == 6",           "2 - -1 == 3",
        "round(2.5) == 3",   "round(-2.5) == -3", "floor(-0.5) == -1",      "abs(-3) == 3",
        "min(3, 1, 2) == 1", "max(3, 1, 2) == 3", "true || false && false", "!false && true",
        "!(true && false)",  "1 < 2 == true",     "false ? false : true",   "true ? true : false ? false : false",
        "1e3 == 1000",       "0.1 + 0.2 != 0.3",  "2 in [1, 2, -3]",        "-3 in [1, 2, -3]",
        "!(4 in [1, 2])"})
    CHECK(truth(when) == Truth::yes);
}

TEST_CASE("an amount compares exactly as written") {
  const std::vector<std::pair<std::string, std::string>> cells = {{"amount", "5000.10"}};
  CHECK(truth("amount == 5000.1 USD", cells) == Truth::yes);
  CHECK(truth("amount > 5000.10 USD", cells) == Truth::no);
  CHECK(truth("amount > 5000.0999999999999 USD", cells) == Truth::yes);
}

TEST_CASE("units: money has a currency, ratios have none, durations are in seconds, times differ by durations") {
  const std::vector<std::pair<std::string, std::string>> cells = {{"amount", "300"},
                                                                  {"fee", "3"},
                                                                  {"age", "2"},
                                                                  {"wait", "48"},
                                                                  {"ratio", "2"},
                                                                  {"opened", "2024-01-01"},
                                                                  {"now", "2024-01-03T00:00:00Z"}};
  for (const char* when : {"fee / amount == 0.01",
                           "amount * ratio == 600 USD",
                           "2 * amount / 3 > 199 USD",
                           "amount + fee == 303 USD",
                           "amount % 7 USD == 6 USD",
                           "-fee < 0 USD",
                           "amount / 1 USD * 0.9 EUR > 200 EUR",
                           "amount in [300 USD]",
                           "age == wait",
                           "age == 172800 seconds",
                           "age in [48 hours]",
                           "age == 2 days",
                           "age + wait == 4 days",
                           "age / wait == 1",
                           "now - opened == age",
                           "now - opened == 2 days",
                           "opened + 48 hours == now",
                           "1 day + opened < now",
                           "now - age == opened",
                           "opened == time('2024-01-01T00:00:00')",
                           "max(opened, now) == now",
                           "1 minute == 60 seconds",
                           "2 hours > 119 minutes"})
    CHECK(truth(when, cells) == Truth::yes);
}

TEST_CASE("words outside a vocabulary differ from all words inside, and may or may not equal each other") {
  CHECK(truth("ip_country == 'NL'", {{"ip_country", "NL"}}) == Truth::yes);
  CHECK(truth("ip_country != 'NL'", {{"ip_country", "ZZ"}}) == Truth::yes);
  CHECK(truth("ip_country in ['NL', 'DE']", {{"ip_country", "ZZ"}}) == Truth::no);
  CHECK(truth("ip_country == card_country", {{"ip_country", "US"}, {"card_country", "US"}}) == Truth::yes);
  CHECK(truth("ip_country == card_country", {{"ip_country", "DE"}, {"card_country", "US"}}) == Truth::no);
  // US is a word of ip_country too.
  CHECK(truth("ip_country == card_country", {{"ip_country", "ZZ"}, {"card_country", "US"}}) == Truth::no);
  // CN is not a word of ip_country.
  CHECK(truth("ip_country == card_country", {{"ip_country", "CN"}, {"card_country", "CN"}}) == Truth::missing);
  CHECK(truth("ip_country != home", {{"ip_country", "XX"}, {"home", "YY"}}) == Truth::missing);
  CHECK(truth("(ratio > 1 ? ip_country : home) == 'FR'", {{"ratio", "2"}, {"ip_country", "FR"}}) == Truth::yes);
}

TEST_CASE("ids compare with texts, lists of texts and each other") {
  const std::vector<std::pair<std::string, std::string>> cells = {{"sender", "acct-17"}, {"receiver", "acct-18"}};
  for (const char* when :
       {"sender == 'acct-17'", "sender in ['x', 'acct-17']", "sender != receiver", "receiver != 'acct-17'"})
    CHECK(truth(when, cells) == Truth::yes);
}

TEST_CASE("texts are quoted either way and take escapes, and names may be in backquotes") {
  CHECK(truth(R"(sender == "a\"b\\c")", {{"sender", "a\"b\\c"}}) == Truth::yes);
  CHECK(truth(R"(sender == 'it\'s')", {{"sender", "it's"}}) == Truth::yes);
  CHECK(truth("`n items` == 3 && `ratio` == 1", {{"n items", "3"}, {"ratio", "1"}}) == Truth::yes);
}

TEST_CASE("post rules read the models' outputs, and outputs that were not computed are missing") {
  const std::vector<double> empty = row({});
  ModelOutputs models;
  models.p_forest = 0.3, models.p_final = 0.8, models.margin_forest = -0.85;
  CHECK(truth_of("p_forest == 0.3 && p_final > 0.7 && margin_forest < 0", kSchema, empty, models) == Truth::yes);
  CHECK(truth_of("p_network > 0.5", kSchema, empty, models) == Truth::missing);
  CHECK(truth_of("is_missing(margin_network)", kSchema, empty, models) == Truth::yes);
}

}  // namespace sluice::test
