#include <algorithm>
#include <set>
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
                                    {.name = "now", .kind = Kind::time},
                                    {.name = "card", .kind = Kind::id}});
}

std::vector<double> row() {
  return {9000, 10000, kMissing, 0, 1, *parse_time("2024-01-01"), *parse_time("2024-01-20"), kMissing};
}

}  // namespace

TEST_CASE("the conditions on the page hold, are missing, or are rejected, as stated") {
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

TEST_CASE("the rule sets on the page compile and pass their tests") {
  for (const char* kind : {"json", "json points", "json definitions"}) {
    std::string json;
    for (const auto& line : block(kind)) json += line + "\n";
    CAPTURE(kind);
    const CompileResult result =
        RuleSet::compile(json, "docs/rules.md", schema(), Phase::pre, [](const std::string&) { return "card-1\n"; });
    CHECK(messages(result.diagnostics) == "");
    REQUIRE(result.rules.has_value());
    CHECK((result.rules->n_tests() > 0 || kind == std::string("json definitions")));
    CHECK(result.rules->run_tests().empty());
  }
}

namespace {

/// Documents that together have every key.
Json with_actions() {
  Json whole = document({rule_json("R", "true")});
  whole["tests"] = {
      {{"description", "d"},
       {"in", Json::object()},
       {"expect", {{"action", "REVIEW"}, {"undecided", false}, {"fired", {"R"}}, {"missing", Json::array()}}}}};
  whole["rules"][0]["description"] = "d";
  whole["max_cost"] = 1000;
  whole["constants"] = {{"x", 1}};
  whole["derived"] = {{"y", "amount / limit"}};
  whole["lists"] = {{"z", {{"of", "limit"}, {"values", {1}}}}, {"w", {{"of", "limit"}, {"file", "w.txt"}}}};
  return whole;
}

Json with_points() {
  Json whole = document({{{"id", "R"},
                          {"when", "true"},
                          {"description", "d"},
                          {"on_missing", {{"points", 1}}},
                          {"then", {{"points", 2}, {"reason", "r"}}}}},
                        "collect_sum");
  whole["points_to_action"] = {{{"at_least", 2}, {"action", "REVIEW"}}};
  whole["tests"] = {{{"in", Json::object()}, {"expect", {{"points", 2}, {"action", "REVIEW"}}}}};
  return whole;
}

bool compiles(const Json& json) {
  return RuleSet::compile(json.dump(), "r.json", schema(), Phase::pre, [](const std::string&) { return "1\n"; })
      .rules.has_value();
}

/// The keys at `place`, and whether the reader requires each by `definition` or `also`.
std::set<std::string> agreeing_keys(const Json& whole, const char* place, const Json& definition,
                                    const std::set<std::string>& also = {}) {
  const Json::json_pointer pointer{std::string(place)};
  std::set<std::string> keys;
  for (const auto& [key, value] : whole[pointer].items()) {
    Json without = whole;
    without[pointer].erase(key);
    const auto& required = definition.value("required", Json::array());
    const bool is_required = std::find(required.begin(), required.end(), key) != required.end() || also.contains(key);
    CAPTURE(place, key);
    CHECK(definition["properties"].contains(key));
    CHECK(compiles(without) == !is_required);
    keys.insert(key);
  }
  return keys;
}

}  // namespace

TEST_CASE("the JSON schema has the keys of the reader, and requires the same ones") {
  const Json described = Json::parse(read_file(kDocs + "rules.schema.json"));
  const Json &definitions = described["definitions"], &then = definitions["rule"]["properties"]["then"],
             &expect = definitions["test"]["properties"]["expect"];
  const Json actions = with_actions(), points = with_points();
  REQUIRE(compiles(actions));
  REQUIRE(compiles(points));
  const auto all_known = [](std::set<std::string> keys, const std::set<std::string>& others, const Json& definition) {
    keys.insert(others.begin(), others.end());
    CHECK(keys.size() == definition["properties"].size());
  };
  all_known(agreeing_keys(actions, "", described, {"priority"}), agreeing_keys(points, "", described, {"hit_policy"}),
            described);
  all_known(agreeing_keys(actions, "/rules/0", definitions["rule"]),
            agreeing_keys(points, "/rules/0", definitions["rule"]), definitions["rule"]);
  all_known(agreeing_keys(actions, "/rules/0/then", then, {"action"}),
            agreeing_keys(points, "/rules/0/then", then, {"points"}), then);
  all_known(agreeing_keys(actions, "/tests/0", definitions["test"]), {}, definitions["test"]);
  all_known(agreeing_keys(actions, "/tests/0/expect", expect), agreeing_keys(points, "/tests/0/expect", expect),
            expect);
  all_known(agreeing_keys(points, "/points_to_action/0", definitions["cut_off"]), {}, definitions["cut_off"]);
  all_known(agreeing_keys(actions, "/lists/z", definitions["list"], {"values"}),
            agreeing_keys(actions, "/lists/w", definitions["list"], {"file"}), definitions["list"]);
}

}  // namespace sluice::test
