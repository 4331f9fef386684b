#include "sluice/cli/verbs/stored_record.h"

#include <cmath>
#include <sstream>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_fields.h"
#include "sluice/base/number.h"

namespace sluice::cli {
namespace {

double read_cell(const Json& value, const Schema& schema, std::size_t column, const std::string& where) {
  double cell = std::nan("");
  if (value.is_null()) return cell;
  if (value.is_number() && schema[column].kind != Kind::category) return value.get<double>();
  if (value.is_string() && schema.parse_cell(column, value.get<std::string>(), cell) != CellStatus::invalid)
    return cell;
  throw Error("record.input", where + ": " + value.dump() + " is not a valid " + to_string(schema[column].kind) +
                                  " for column \"" + schema[column].name + "\"");
}

std::vector<double> read_inputs(const Json& record, const Schema& schema, const std::string& where) {
  if (!record.contains("inputs") || !record["inputs"].is_object())
    throw Error("record.inputs", where + ": the record has no inputs",
                "use a line of a .jsonl file that sluice score wrote, or give --data and --row");
  const Json& inputs = record["inputs"];
  std::vector<double> row;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    if (!inputs.contains(schema[c].name))
      throw Error("record.input", where + ": the record's inputs have no \"" + schema[c].name + "\"");
    row.push_back(read_cell(inputs[schema[c].name], schema, c, where));
  }
  for (const auto& [name, value] : inputs.items()) schema.index_of(name);
  return row;
}

bool is_asked_for(const Json& record, const std::string& row, const std::string& id) {
  if (!row.empty() && (!record.contains("row") || record["row"].dump() != row)) return false;
  return id.empty() || (record.contains("id") && record["id"] == id);
}

StoredRecord read_record(const Json& record, const cascade::Bundle& bundle, const std::string& where) {
  const std::string digest = "sha256:" + bundle.digest.hex();
  try {
    if (record.at("bundle") != digest)
      throw Error("record.bundle",
                  where + ": the decision was made by bundle " + record.at("bundle").get<std::string>() +
                      ", this one is " + digest,
                  "give --bundle the bundle that decided");
    StoredRecord stored{.inputs = read_inputs(record, bundle.schema, where),
                        .action = record.at("action"),
                        .level = record.at("level"),
                        .p_final = std::nan("")};
    if (record.at("id").is_string()) stored.id = record["id"];
    stored.row = record.at("row");
    if (record.at("p_final").is_number()) stored.p_final = record["p_final"];
    return stored;
  } catch (const Json::exception& e) {
    throw Error("record.json", where + ": " + e.what(), "see the fields in docs/record_format.md");
  }
}

}  // namespace

StoredRecord read_stored_record(const std::string& path, const std::string& row, const std::string& id,
                                const cascade::Bundle& bundle) {
  std::istringstream lines(read_file(path));
  std::size_t n_lines = 0, n_records = 0, n_found = 0;
  Json found;
  std::string found_at;
  for (std::string line; std::getline(lines, line);) {
    ++n_lines;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string where = path + " line " + std::to_string(n_lines);
    Json record = parse_json(line, where, "record.json");
    if (!record.is_object()) throw Error("record.json", where + ": a record must be a JSON object");
    ++n_records;
    if (!is_asked_for(record, row, id) || ++n_found > 1) continue;
    found = std::move(record);
    found_at = where;
  }
  if (n_found == 1) return read_record(found, bundle, found_at);
  throw Error(
      "record.which",
      path + ": " + std::to_string(n_found) + " of its " + std::to_string(n_records) + " records match, expected one",
      n_found > 1 ? "select one with --row or --id" : "");
}

std::string difference(const StoredRecord& stored, const cascade::Decision& d) {
  if (stored.action != rules::to_string(d.action))
    return "action " + stored.action + " then, " + rules::to_string(d.action) + " now";
  if (stored.level != to_string(d.level)) return "level " + stored.level + " then, " + to_string(d.level) + " now";
  const bool same = stored.p_final == d.p_final || (std::isnan(stored.p_final) && std::isnan(d.p_final));
  return same ? "" : "p_final " + number_text(stored.p_final) + " then, " + number_text(d.p_final) + " now";
}

}  // namespace sluice::cli
