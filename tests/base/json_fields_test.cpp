#include "sluice/base/json_fields.h"

#include "sluice/base/error.h"
#include "support/catch.h"

using namespace sluice;

TEST_CASE("every fault of a document is reported, with its pointer and a suggestion") {
  const Json json = parse_json(R"({"rate": "x", "count": 7, "a/b": 1, "modee": "fast"})", "f.json", "t.json");
  std::vector<Diagnostic> out;
  JsonFields fields(json, "/top", "f.json", "t", out);
  REQUIRE(fields.number("rate", 0.5) == 0.5);
  REQUIRE(fields.integer("count", 1, 0, 5) == 1);
  fields.word("mode", "slow", {"fast", "slow"});
  fields.require("name");
  fields.finish();
  REQUIRE(out.size() == 5);
  REQUIRE(to_string(out[0]) == "error: t.type: f.json at /top/rate: expected a number, not \"x\"");
  REQUIRE(out[1].code == "t.range");
  REQUIRE(out[2].code == "t.missing");
  REQUIRE(out[3].pointer == "/top/a~1b");
  REQUIRE(out[4].hint == "did you mean \"mode\"?");
}

TEST_CASE("syntax errors have line and column, and NaN and duplicate keys are errors") {
  REQUIRE_THROWS_WITH(parse_json("{\n  \"a\": NaN}", "p.json", "policy.json"),
                      Catch::Contains("p.json line 2, column"));
  REQUIRE_THROWS_WITH(parse_json(R"({"a": 1, "b": {"a": 1}, "a": 2})", "p.json", "policy.json"),
                      Catch::Contains("\"a\" occurs twice"));
  REQUIRE_NOTHROW(parse_json(R"({"a": 1, "b": {"a": 1}})", "p.json", "policy.json"));
}

TEST_CASE("a key under its former name is an error with the new name") {
  const Json json = {{"old", 1}};
  std::vector<Diagnostic> out;
  JsonFields fields(json, "/top", "f.json", "t", out);
  fields.renamed("old", "new");
  fields.renamed("older", "newer");
  fields.finish();
  REQUIRE(out.size() == 1);
  CHECK(out[0].code == "t.renamed");
  CHECK(out[0].pointer == "/top/old");
  CHECK(out[0].message == "the key \"old\" is now \"new\"");
}

TEST_CASE("messages stay short for any document") {
  const std::string huge(1 << 20, 'k');
  Json json = {{huge, 1}, {"mode", huge}};
  for (int k = 0; k < 1000; ++k) json["unknown" + std::to_string(k)] = k;
  std::vector<Diagnostic> out;
  JsonFields fields(json, "", "f.json", "t", out);
  fields.word("mode", "slow", {"fast", "slow"});
  fields.finish();
  REQUIRE(out.size() == 102);
  REQUIRE(out.back().message == "901 more keys are unknown");
  for (const auto& d : out) REQUIRE(to_string(d).size() < 300);
  for (const std::string& text : {"{\"a\": " + std::string(1 << 20, '1') + "}", "\"" + huge, "{\"" + huge + "\" 1}"})
    try {
      parse_json(text, "f.json", "t.json");
      FAIL("read");
    } catch (const Error& e) {
      REQUIRE(std::string(e.what()).size() < 500);
    }
}

TEST_CASE("a document is read exactly, in time proportional to its length") {
  const std::string text =
      R"({"a":[1,-2,2.5,"t",null,true,[],{}],"b":{"c":{"d":[[1],{"e":[2]}]},"f":18446744073709551615}})";
  REQUIRE(parse_json(text, "f.json", "t.json").dump() == text);
  REQUIRE(parse_json("7", "f.json", "t.json") == 7);
  std::string objects = "[{}";
  for (int k = 0; k < 1'000'000; ++k) objects += ",{}";
  REQUIRE(parse_json(objects + "]", "f.json", "t.json").size() == 1'000'001);
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  REQUIRE_NOTHROW(parse_json(nested(256), "f.json", "t.json"));
  REQUIRE_THROWS_WITH(parse_json(nested(257), "f.json", "t.json"), Catch::Contains("more than 256 levels of nesting"));
}

TEST_CASE("an excerpt ends between characters") {
  REQUIRE(excerpt("short") == "short");
  REQUIRE(excerpt("äöü", 6) == "äöü");
  REQUIRE(excerpt("äöü", 5) == "äö…");
  REQUIRE(excerpt("äöü", 4) == "äö…");
}

TEST_CASE("all errors of a list become one exception with the code of the first") {
  REQUIRE_NOTHROW(throw_if_errors({{.code = "w", .is_warning = true}}));
  try {
    throw_if_errors({{.code = "a.b", .source = "f", .message = "one"}, {.code = "c", .source = "f", .message = "two"}});
    FAIL("nothing thrown");
  } catch (const Error& e) {
    REQUIRE(e.code() == "a.b");
    REQUIRE(e.message() == "f: one\nerror: c: f: two");
  }
}

TEST_CASE("the caret is under the column") {
  const Diagnostic d{.code = "rules.type",
                     .source = "pre.json",
                     .pointer = "/rules/2/when",
                     .message = "no",
                     .hint = "do",
                     .snippet = "amount > 5000",
                     .column = 8};
  REQUIRE(to_string(d) ==
          "error: rules.type: pre.json at /rules/2/when, column 8: no\n    amount > 5000\n           ^\n  hint: do");
}
