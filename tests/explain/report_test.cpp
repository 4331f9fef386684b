#include "sluice/explain/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/bundle/background.h"
#include "sluice/report/html_text.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

using namespace sluice;
using namespace sluice::explain;
using namespace sluice::test;
using nlohmann::json;

namespace {

constexpr std::uint64_t kSeed = 31;
constexpr std::size_t kMaxHtmlBytes = 60 * 1024;
const std::string kNasty = "<b>&\"'</script><script>alert(1)</script>http://x.example/ä";

bool has_type(const json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  throw std::logic_error("type " + type);
}

/// The first violation of the schema; "" if there is none. Supports the part of JSON Schema draft-07 that the published
/// schema uses; any other keyword fails the test.
std::string violation(const json& root, const json& schema, const json& value, const std::string& at) {
  if (schema.contains("$ref"))
    return violation(root, root.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1))), value, at);
  for (const auto& [keyword, rule] : schema.items()) {
    if (keyword == "type") {
      const auto types = rule.is_array() ? rule.get<std::vector<std::string>>() : std::vector<std::string>{rule};
      if (std::none_of(types.begin(), types.end(), [&](const auto& type) { return has_type(value, type); }))
        return at + ": type";
    } else if (keyword == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end()) return at + ": enum";
    } else if (keyword == "pattern") {
      if (value.is_string() && !std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>())))
        return at + ": pattern";
    } else if (keyword == "minimum") {
      if (value.is_number() && value.get<double>() < rule.get<double>()) return at + ": minimum";
    } else if (keyword == "required") {
      for (const auto& name : rule)
        if (value.is_object() && !value.contains(name.get<std::string>()))
          return at + ": lacks " + name.get<std::string>();
    } else if (keyword == "items") {
      if (value.is_array())
        for (const auto& item : value)
          if (auto found = violation(root, rule, item, at + "/*"); !found.empty()) return found;
    } else if (keyword == "properties") {
      for (const auto& [name, part] : rule.items())
        if (value.is_object() && value.contains(name))
          if (auto found = violation(root, part, value[name], at + "/" + name); !found.empty()) return found;
    } else if (keyword == "additionalProperties") {
      if (!value.is_object()) continue;
      for (const auto& [name, part] : value.items()) {
        if (schema.contains("properties") && schema["properties"].contains(name)) continue;
        if (rule == false) return at + ": has " + name;
        if (auto found = violation(root, rule, part, at + "/" + name); !found.empty()) return found;
      }
    } else if (keyword != "description" && keyword != "title" && keyword != "$schema" && keyword != "definitions") {
      return at + ": the test does not support the keyword " + keyword;
    }
  }
  return {};
}

std::string schema_violation(const std::string& report) {
  const json schema = json::parse(read_file(std::string(SLUICE_SOURCE_DIR) + "/docs/explain_report.schema.json"));
  return violation(schema, schema, json::parse(report), "");
}

/// "" if every tag is closed in order and the text has no unescaped < or &.
std::string html_fault(const std::string& html) {
  static const std::vector<std::string> kVoid = {"meta", "br"};
  static const std::regex kEntity("^&(amp|lt|gt|quot|#39);");
  std::vector<std::string> open;
  for (std::size_t i = 0; i < html.size(); ++i) {
    if (html[i] == '&' && !std::regex_search(html.substr(i, 8), kEntity)) return "unescaped & at " + html.substr(i, 30);
    if (html[i] != '<') continue;
    const std::size_t end = html.find('>', i);
    if (end == html.npos) return "an unterminated tag";
    std::string tag = html.substr(i + 1, end - i - 1);
    i = end;
    if (tag.starts_with("!doctype") || tag.back() == '/') continue;
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (std::find(kVoid.begin(), kVoid.end(), name) != kVoid.end()) continue;
    if (name.front() != '/') {
      open.push_back(name);
      continue;
    }
    if (open.empty() || "/" + open.back() != name) return "<" + name + "> closes nothing";
    open.pop_back();
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

void check_html(const std::string& html) {
  CHECK(html_fault(html) == "");
  CHECK(html.size() <= kMaxHtmlBytes);
  for (const char* forbidden :
       {"<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "javascript:"}) {
    CAPTURE(forbidden);
    CHECK(html.find(forbidden) == html.npos);
  }
}

/// Reports of every game for decisions of every kind that the small bundles make.
std::vector<std::pair<std::string, std::string>> reports(const cascade::Engine& engine) {
  std::vector<std::pair<std::string, std::string>> out;
  const Table rows = small_rows(engine.bundle().schema, 25, kSeed);
  for (const Game game : {Game::served_path, Game::stage_margin, Game::system}) {
    const Explainer explainer(engine, {.game = game});
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const Explanation e = explainer.explain(rows.row(i));
      const ReportContext context{.id = i % 2 ? kNasty : "", .row = i};
      out.push_back({report_json(explainer, e, context), report_html(explainer, e, context)});
    }
  }
  return out;
}

/// The small bundle with `n` more columns that have nasty names and that no model reads.
std::shared_ptr<const cascade::Bundle> wide_bundle(const std::filesystem::path& folder, std::size_t n) {
  auto bundle =
      std::make_shared<cascade::Bundle>(*small_bundle(folder, kSeed, {.with_network = false, .band = std::nullopt}));
  std::vector<Column> columns = bundle->schema.columns();
  for (std::size_t c = 0; c < n; ++c)
    columns.push_back({.name = kNasty + std::string(200, '"') + std::to_string(c), .is_protected = true});
  bundle->schema = Schema(columns);
  bundle->backgrounds.clear();
  return bundle;
}

}  // namespace

TEST_CASE("every kind of explanation conforms to the published schema and is a well-formed page") {
  const TempDir dir;
  for (const bool with_late : {false, true}) {
    const cascade::Band band = with_late ? kGainBand : cascade::Band{0.3, 0.7};
    const auto bundle = small_bundle(dir / (with_late ? "late" : "plain"), kSeed,
                                     {.with_late = with_late, .with_rules = true, .band = band});
    for (const auto& [text, html] : reports(cascade::Engine(bundle, {.timings = true}))) {
      REQUIRE(schema_violation(text) == "");
      check_html(html);
    }
  }
}

TEST_CASE("the schema check rejects changed reports") {
  const TempDir dir;
  const cascade::Engine engine(small_bundle(dir / "b", kSeed));
  json report = json::parse(reports(engine).front().first);
  REQUIRE(schema_violation(report.dump()) == "");
  for (const auto& [pointer, value] : {std::pair<const char*, json>("/action", "MAYBE"),
                                       {"/row", -1},
                                       {"/bundle", "sha256:1"},
                                       {"/extra", 1},
                                       {"/featureAttributions/0/phi", "1"}}) {
    json broken = report;
    broken[json::json_pointer(pointer)] = value;
    CAPTURE(pointer);
    CHECK(schema_violation(broken.dump()) != "");
  }
  report.erase("seed");
  CHECK(schema_violation(report.dump()) != "");
}

TEST_CASE("the JSON report's numbers add up, and its digests are right") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", kSeed);
  const cascade::Engine engine(bundle);
  int n_network = 0;
  for (const auto& [text, html] : reports(engine)) {
    const json report = json::parse(text);
    double sum = report["baselineOutputValue"];
    for (const auto& part : report["featureAttributions"]) sum += part["phi"].get<double>();
    CHECK(std::abs(sum - report["instanceOutputValue"].get<double>()) <= 1e-5);
    CHECK(report["bundle"] == "sha256:" + bundle->digest.hex());
    const std::size_t inputs = text.find("\"inputs\":") + 9;
    CHECK(report["inputs_sha256"] == sha256(text.substr(inputs, text.size() - inputs - 2)).hex());
    if (report["method"] != "permutation") continue;
    ++n_network;
    const std::string name = report["background"]["name"];
    CHECK(report["background"]["sha256"] == sha256(bundle->backgrounds.at(name)).hex());
    CHECK(report["background"]["rows"] == 24);
  }
  CHECK(n_network > 0);
}

TEST_CASE("a page stays small and well-formed with any schema") {
  const TempDir dir;
  const auto bundle = wide_bundle(dir / "wide", 1500);
  const cascade::Engine engine(bundle);
  const Explainer explainer(engine);
  std::vector<double> row(bundle->schema.size(), 1e-300);
  const std::string html = report_html(explainer, explainer.explain(row), {.id = std::string(5000, '<')});
  check_html(html);
  CHECK(html.find("more columns are in the JSON report") != html.npos);
}

TEST_CASE("escaped text has no markup, and ticks are round") {
  CHECK(escape_html("<a href=\"x\">&'</a>\x01") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;\xef\xbf\xbd");
  CHECK(nice_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.2 * 3, 0.8, 1});
  CHECK(nice_ticks(-3, 11, 3) == std::vector<double>{0, 5, 10});
  CHECK(nice_ticks(1, 1, 5).empty());
  CHECK(nice_ticks(0, std::nan(""), 5).empty());
  for (const double width : {1e-9, 0.3, 7.0, 1e12}) {
    const auto ticks = nice_ticks(-width, width, 6);
    CHECK(ticks.size() >= 3);
    CHECK(ticks.size() <= 13);
  }
}
