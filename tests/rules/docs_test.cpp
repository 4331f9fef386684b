#include <algorithm>
#include <sstream>

#include "rules_support.h"
#include "sluice/base/file.h"

namespace sluice::test {
namespace {

const std::string kDocs = std::string(SLUICE_SOURCE_DIR) + "/docs/";

/// The lines of a fenced block of docs/rules.md.
std::vector<std::string> block(const std::string& language) {
  std::istringstream page(read_file(kDocs + "rules.md"));
  std::vector<std::string> lines;
  bool is_inside = false;
  for (std::string line; std::getline(page, line);) {
    if (is_inside && line == "```") break;
    if (is_inside) lines.push_back(line);
    if (line == "```" + language) is_inside = true;
  }
  return lines;
}

Schema schema() {
  return Schema(std::vector<Column>{{.name = "amount", .unit = "USD"},
                                    {.name = "limit", .unit = "USD"},
                                    {.name = "age", .unit = "days"},
                                    {.name = "ip_country", .kind = Kind::category, .vocabulary = {"NL", "DE", "US"}},
                                    {.name = "card_country", .kind = Kind::category, .vocabulary = {"US", "CN", "NL"}},
                                    {.name = "opened", .kind = Kind::time},
                                    {.name = "now", .kind = Kind::time}});
}

std::vector<double> row() {
  return {9000, 10000, kMissing, 0, 1, *parse_time("2024-01-01"), *parse_time("2024-01-20")};
}

}  // namespace

TEST_CASE("the conditions on the page hold, are missing, or are refused, as it says") {
  const auto truths = block("rules-true"), missing = block("rules-missing"), refused = block("rules-refused");
  REQUIRE(truths.size() >= 10);
  REQUIRE(missing.size() >= 3);
  REQUIRE(refused.size() >= 6);
  for (const auto& when : truths) CHECK(truth_of(when, schema(), row()) == Truth::yes);
  for (const auto& when : missing) CHECK(truth_of(when, schema(), row()) == Truth::missing);
  for (const auto& when : refused) {
    CAPTURE(when);
    CHECK_FALSE(faults_of(when, schema()).empty());
  }
}

TEST_CASE("the rule set on the page compiles and passes its tests") {
  std::string json;
  for (const auto& line : block("json")) json += line + "\n";
  const CompileResult result = RuleSet::compile(json, "docs/rules.md", schema(), Phase::pre);
  CHECK(messages(result.diagnostics) == "");
  REQUIRE(result.rules.has_value());
  CHECK(result.rules->n_tests() > 0);
  CHECK(result.rules->run_tests().empty());
}

TEST_CASE("the JSON schema names the keys that the reader knows, and requires those that it requires") {
  const Json described = Json::parse(read_file(kDocs + "rules.schema.json"));
  const Json& definitions = described["definitions"];
  Json whole = document({rule_json("R", "true")});
  whole["tests"] = {
      {{"description", "d"},
       {"in", Json::object()},
       {"expect", {{"action", "REVIEW"}, {"undecided", false}, {"fired", {"R"}}, {"missing", Json::array()}}}}};
  whole["rules"][0]["description"] = "d";
  const auto compiles = [&](const Json& json) {
    return RuleSet::compile(json.dump(), "r.json", schema(), Phase::pre).rules.has_value();
  };
  const auto agree = [&](const Json::json_pointer& place, const Json& definition) {
    CHECK(whole[place].size() == definition["properties"].size());
    for (const auto& [key, value] : definition["properties"].items()) {
      Json without = whole;
      without[place].erase(key);
      const auto& required = definition.value("required", Json::array());
      const bool is_required = std::find(required.begin(), required.end(), key) != required.end() || key == "priority";
      CAPTURE(place.to_string(), key);
      CHECK(compiles(without) == !is_required);
    }
  };
  REQUIRE(compiles(whole));
  agree(Json::json_pointer(""), described);
  agree(Json::json_pointer("/rules/0"), definitions["rule"]);
  agree(Json::json_pointer("/rules/0/then"), definitions["rule"]["properties"]["then"]);
  agree(Json::json_pointer("/tests/0"), definitions["test"]);
  agree(Json::json_pointer("/tests/0/expect"), definitions["test"]["properties"]["expect"]);
}

}  // namespace sluice::test
