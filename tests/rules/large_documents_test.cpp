#include "rules_support.h"
#include "support/naive_rules.h"

#include <algorithm>

namespace sluice::test {
namespace {

const Schema kSchema = naive::schema();

}  // namespace

TEST_CASE("rules of ten megabytes are read or rejected, with short messages") {
  const std::string huge(5'000'000, 'x'), other = huge + "yz", quoted = "'" + huge + "'";
  const auto repeated = [](const std::string& piece, std::size_t n) {
    std::string text;
    while (n-- > 0) text += piece;
    return text;
  };
  const auto numbered = [](const std::string& before, const std::string& after, std::size_t n) {
    std::string text;
    for (std::size_t k = 0; k < n; ++k) text += (k > 0 ? "," : "") + before + std::to_string(k) + after;
    return text;
  };
  const auto with = [](const std::string& key, const std::string& value, const std::string& when = "true") {
    Json json = document({rule_json("R", when)}, "first");
    json.erase("priority");
    std::string text = json.dump();
    text.pop_back();
    return text + ",\"" + key + "\":" + value + "}";
  };
  const auto when = [](const std::string& text) { return document({rule_json("R", text)}).dump(); };
  const auto rules = [](const std::string& list) {
    return R"({"ruleset": "r", "version": 1, "hit_policy": "first", "rules": [)" + list + "]}";
  };
  const std::string rule = R"("when": "true", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "r"})";

  for (const std::string& text :
       {when("true") + std::string(10'000'000, ' '),
        with("lists", R"({"l": {"of": "sender", "values": [)" + numbered("\"", "\"", 1'000'000) + "]}}", "sender in l"),
        with("constants", "{" + numbered("\"c", "\": 1", 700'000) + "}", "ratio > c699999"),
        with("derived", "{" + numbered("\"d", "\": \"ratio\"", 200'000) + "}", "ratio > d199999"),
        with("tests", R"([{"in": {}, "expect": {"fired": ["R")" + repeated(",\"R\"", 2'000'000) + "]}}]"),
        with("tests", R"([{"in": {}, "expect": {"fired": ["R"]}})" +
                          repeated(R"(,{"in": {"ratio": 1}, "expect": {"action": "REVIEW"}})", 150'000) + "]"),
        rules(numbered(R"({"id": ")", "\", " + rule + "}", kMaxRules))}) {
    const CompileResult result = RuleSet::compile(text, "r.json", kSchema, Phase::pre);
    CAPTURE(text.substr(0, 200), excerpt(messages(result.diagnostics), 1000));
    CHECK(result.rules.has_value());
  }
  const std::string refused[] = {
      when("sender == '" + huge),
      when(huge + " > 1"),
      when("`" + huge + "` > 1"),
      when(huge + "(1) > 1"),
      when("ratio in " + huge),
      when("ratio > 1 " + huge),
      when("amount > 1 " + huge),
      when("ratio > " + std::string(10'000'000, '1')),
      when("ip_country == " + quoted),
      when("ip_country.lower() == " + quoted),
      when("ip_country.matches('(" + huge + "')"),
      when("ip_country.matches('" + repeated("(", 5'000'000) + "')"),
      when("ip_country.matches('[[:" + huge + ":]]')"),
      when("opened > time(" + quoted + ")"),
      when("opened > " + quoted),
      when(repeated("(", 5'000'000) + "1" + repeated(")", 5'000'000)),
      when(repeated("!", 10'000'000)),
      when(repeated("ratio + ", 1'000'000) + "1 > 0"),
      when("ratio in [" + repeated("1, ", 3'000'000) + "1]"),
      when("ratio in [" + repeated("'x', ", 2'000'000) + "1]"),
      when(repeated("a > 1 && ", 1'000'000) + "true"),
      with("constants", "{\"c\": \"" + quoted + "\"}", repeated("sender == c || ", 3'000) + "true"),
      with("constants", "{\"" + huge + "\": 1}", other + " > 1"),
      with("constants", "{\"" + huge + "\": []}"),
      with("constants", "{" + numbered("\"", "\": []", 700'000) + "}"),
      with("constants", "{" + numbered("\"", "\": \"a\"", 700'000) + "}"),
      with("derived", "{" + numbered("\"", "\": []", 700'000) + "}"),
      with("derived", "{" + numbered("\"d", "\": \"d0\"", 400'000) + "}"),
      with("derived", "{\"a\": \"" + repeated("b ", 2'000'000) + "\"," + numbered("\"d", "\": \"1\"", 300'000) + "}"),
      with("lists", "{" + numbered("\"", "\": 1", 700'000) + "}"),
      with("lists", "{\"" + huge + "\": {\"of\": \"" + huge + "\", \"values\": []}}"),
      with("lists", R"({"l": {"of": "sender", "file": ")" + huge + "\"}}"),
      with("lists", R"({"l": {"of": "ratio", "values": [)" + numbered("\"x", "\"", 1'000'000) + "]}}"),
      with("priority", "[" + numbered("\"", "\"", 1'000'000) + "]"),
      with("priority", "[\"" + huge + "\",\"" + huge + "\"]"),
      with("points_to_action", "[" + numbered("", "", 1'000'000) + "]"),
      with("tests", "[" + numbered("", "", 1'000'000) + "]"),
      with("tests", R"([{"in": {)" + numbered("\"", "\": 1", 700'000) + "}, \"expect\": {}}]"),
      with("tests",
           R"([{"in": {"ratio": ")" + huge + R"(", "amount": [], "ip_country": ")" + huge + "\"}, \"expect\": {}}]"),
      with("tests", R"([{"in": {")" + huge + "\": 1}, \"expect\": {}}]"),
      with("tests", R"([{"in": {}, "expect": {"fired": [)" + numbered("\"", "\"", 1'000'000) + "]}}]"),
      with("tests", R"([{"in": {}, "expect": {"fired": [")" + huge + "\"]}}]"),
      rules(R"({"id": ")" + huge + "\", " + rule + R"(}, {"id": ")" + huge + "\", " + rule + "}"),
      rules(R"({"id": ")" + huge + "\", " + rule + R"(}], "tests": [{"in": {}, "expect": {"fired": [")" + other +
            "\"]}}"),
      rules(numbered("", "", 2'000'000)),
      rules(numbered(R"({"id": ")",
                     R"(", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "r"}, "when": ")" +
                         repeated("ip_country.matches('(a{90}b?){9}x') || ", 200) + "false\"}",
                     1'200)),
      rules("{" + numbered("\"k", "\": 1", 700'000) + "}"),
      rules(repeated("{" + numbered("\"", "\": 1", 50) + "},", kMaxRules - 1) + "{}"),
      with("hit_policies", "\"" + huge + "\""),
      "{" + numbered("\"k", "\": 1", 700'000) + "}",
      "{\"" + huge + "\": 1}",
      "{\"" + huge + "\": 1, \"" + huge + "\": 2}",
      repeated("{\"a\":", 1'500'000),
      std::string(10'000'000, '['),
      "\"" + huge};
  for (const std::string& text : refused) {
    const CompileResult result = RuleSet::compile(text, "r.json", kSchema, Phase::pre);
    CAPTURE(text.substr(0, 200), result.diagnostics.size());
    CHECK_FALSE(result.rules.has_value());
    CHECK(result.diagnostics.size() <= 2'200);
    const auto longest =
        std::ranges::max(result.diagnostics, {}, [](const Diagnostic& d) { return to_string(d).size(); });
    CAPTURE(excerpt(to_string(longest), 200));
    CHECK(to_string(longest).size() < 500);
  }
}

}  // namespace sluice::test
