#include <nlohmann/json.hpp>
#include <regex>

#include "history.h"
#include "sluice/backtest/report_html.h"
#include "sluice/backtest/report_json.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::backtest {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
  return type == "object"    ? value.is_object()
         : type == "array"   ? value.is_array()
         : type == "string"  ? value.is_string()
         : type == "integer" ? value.is_number_integer()
         : type == "number"  ? value.is_number()
         : type == "boolean" ? value.is_boolean()
                             : value.is_null();
}

/// Validates with the part of JSON Schema that the published schema uses. Returns the first fault; "" if there is none.
std::string misfit(const Json& value, const Json& schema, const Json& root, const std::string& at) {
  if (schema.contains("$ref"))
    return misfit(value, root.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))), root, at);
  if (schema.contains("enum"))
    return std::count(schema["enum"].begin(), schema["enum"].end(), value) ? "" : at + ": not in the enum";
  const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
  if (std::none_of(types.begin(), types.end(), [&](const Json& type) { return has_type(value, type); }))
    return at + ": wrong type";
  if (value.is_object()) {
    for (const auto& key : schema["required"])
      if (!value.contains(key.get<std::string>())) return at + "/" + key.get<std::string>() + ": missing";
    for (const auto& [key, child] : value.items()) {
      if (!schema["properties"].contains(key)) return at + "/" + key + ": unknown";
      if (const auto found = misfit(child, schema["properties"][key], root, at + "/" + key); !found.empty())
        return found;
    }
  }
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      if (const auto found = misfit(value[i], schema["items"], root, at + "/" + std::to_string(i)); !found.empty())
        return found;
  return "";
}

/// Reports with all parts, with few parts, of one class and of one row.
std::vector<Report> some_reports() {
  const test::TempDir folder;
  const cascade::Engine full(
      test::small_bundle(folder / "a", 3, {.with_late = true, .with_rules = true, .band = test::kGainBand})),
      bare(test::small_bundle(folder / "b", 4, {.with_network = false, .band = std::nullopt}));
  const BacktestOptions options{.time_column = "seen_at",
                                .by = Period::week,
                                .slice_columns = {"region", "amount"},
                                .levels = true,
                                .data_name = "<b>&\"history\"</b>.csv"};
  const std::string csv = test::history_csv(full.bundle().schema, 1500, 2);
  ThreadPool pool(2);
  const auto reader = test::history_reader(csv, full.bundle().schema, options),
             second = test::history_reader(csv, full.bundle().schema, options);
  const Challenger challenger{full, *second};
  return {run(full, *reader, options, pool, {}, &challenger), test::run_backtest(bare, csv, {}),
          test::run_backtest(bare, test::history_csv(bare.bundle().schema, 40, 2, true), options),
          test::run_backtest(full, test::history_csv(full.bundle().schema, 1, 2), options)};
}

TEST_CASE("report.json matches its published schema") {
  const Json schema = Json::parse(read_file(SLUICE_SOURCE_DIR "/docs/backtest_report.schema.json"));
  for (const Report& report : some_reports()) {
    const Json json = Json::parse(report_json(report));
    CHECK(misfit(json, schema, schema, "") == "");
    CHECK(json["ways"][0]["figures"]["cost"] == report.ways[0].figures.cost);
    CHECK(json["ways"][0]["figures"]["auc"].is_null() == std::isnan(report.ways[0].figures.auc));
  }
}

TEST_CASE("report.html is one static page: no scripts, no external resources, all text escaped") {
  for (const Report& report : some_reports()) {
    const std::string html = report_html(report);
    for (const char* word : {"<script", "javascript:", "onload", "http:", "https:", "url(", "<link", "<img", "@import",
                             "src=", "href=", "nan", "inf\"", "<b>&", "<r1>"}) {
      CAPTURE(word);
      CHECK(html.find(word) == std::string::npos);
    }
    CHECK(html.size() < 200'000);
    CHECK(html.find("<svg") != std::string::npos);
    CHECK(html.rfind("</html>\n") == html.size() - 8);
  }
}

/// Returns the first element that is not closed in its place, strictly; "" if there is none.
std::string unbalanced(const std::string& html) {
  static const std::regex kTag("<(/?)([a-zA-Z0-9]+)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (std::sregex_iterator tag(html.begin(), html.end(), kTag), end; tag != end; ++tag) {
    const std::string name = (*tag)[2];
    if ((*tag)[3] == "/" || name == "meta" || name == "br") continue;
    if ((*tag)[1] != "/")
      open.push_back(name);
    else if (open.empty() || open.back() != name)
      return "</" + name + "> at " + std::to_string(tag->position());
    else
      open.pop_back();
  }
  return open.empty() ? "" : "<" + open.back() + "> is open";
}

TEST_CASE("report.html is well formed and shows the figures") {
  const auto reports = some_reports();
  for (const Report& report : reports) CHECK(unbalanced(report_html(report)) == "");
  const std::string html = report_html(reports[0]);
  CHECK(html.find("&lt;r1&gt;") != std::string::npos);
  char cost[32];
  std::snprintf(cost, sizeof cost, ">%.4f<", reports[0].ways[0].figures.cost);
  CHECK(html.find(cost) != std::string::npos);
}

}  // namespace
}  // namespace sluice::backtest
