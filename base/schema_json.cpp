#include <algorithm>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/base/schema.h"

namespace sluice {
namespace {

const std::vector<std::string> kKinds = {"number", "category", "id", "time"};

Column read_column(const Json& json, const std::string& pointer, const std::string& source,
                   std::vector<Diagnostic>& out) {
  JsonFields fields(json, pointer, source, "schema", out);
  Column c;
  fields.require("name");
  c.name = fields.string("name", "");
  const std::string kind = fields.word("kind", "number", kKinds);
  c.kind = static_cast<Kind>(std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin());
  c.unit = fields.string("unit", "");
  c.group = fields.string("group", "");
  c.missing_codes = fields.strings("missing_codes");
  c.vocabulary = fields.strings("vocabulary");
  c.monotone = static_cast<int>(fields.integer("monotone", 0, -1, 1));
  c.is_protected = fields.boolean("protected", false);
  c.late = fields.word("stage", "forest", {"forest", "network"}) == "network";
  c.fetch_cost = fields.number("fetch_cost", 0, 0);
  fields.finish();
  return c;
}

Json write_column(const Column& c) {
  Json json = {{"name", c.name}, {"kind", to_string(c.kind)}};
  if (!c.unit.empty()) json["unit"] = c.unit;
  if (!c.group.empty()) json["group"] = c.group;
  if (!c.missing_codes.empty()) json["missing_codes"] = c.missing_codes;
  if (!c.vocabulary.empty()) json["vocabulary"] = c.vocabulary;
  if (c.monotone != 0) json["monotone"] = c.monotone;
  if (c.is_protected) json["protected"] = true;
  if (c.late) json["stage"] = "network";
  if (c.fetch_cost != 0) json["fetch_cost"] = c.fetch_cost;
  return json;
}

}  // namespace

Schema Schema::from_json(std::string_view text, std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "schema.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "schema", diagnostics);
  fields.require("columns");
  std::vector<Column> columns;
  if (const Json* list = fields.child("columns")) {
    if (!list->is_array())
      fields.add("type", "columns", "expected a list of columns");
    else
      for (std::size_t i = 0; i < list->size(); ++i)
        columns.push_back(read_column((*list)[i], "/columns/" + std::to_string(i), source, diagnostics));
  }
  fields.finish();
  throw_if_errors(diagnostics);
  try {
    return Schema(std::move(columns));
  } catch (const Error& e) {
    throw Error(e.code(), source + ": " + e.message(), e.hint());
  }
}

std::string Schema::to_json() const {
  Json list = Json::array();
  for (const auto& column : columns()) list.push_back(write_column(column));
  return Json{{"columns", list}}.dump(1) + "\n";
}

}  // namespace sluice
