#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cli_support.h"
#include "support/catch.h"
#include "support/small_bundle.h"

using namespace sluice;
using namespace sluice::test;
using nlohmann::json;

namespace {

constexpr std::uint64_t kSeed = 32;
constexpr std::size_t kRows = 40;

/// A folder with bundle/, another/ and rows.csv; row i has the id "request-i", as small_rows hashed it.
struct Desk {
  TempDir folder;

  Desk() {
    const auto bundle = small_bundle(folder / "bundle", kSeed, {.with_late = true, .with_rules = true});
    small_bundle(folder / "another", kSeed + 1, {.with_late = true});
    const Table rows = small_rows(bundle->schema, kRows, kSeed);
    std::string csv;
    for (std::size_t c = 0; c < bundle->schema.size(); ++c) csv += (c ? "," : "") + bundle->schema[c].name;
    for (std::size_t i = 0; i < kRows; ++i) {
      csv += "\nrequest-" + std::to_string(i);
      for (std::size_t c = 1; c < bundle->schema.size(); ++c)
        csv += "," + bundle->schema.format_cell(c, rows.row(i)[c]);
    }
    write_file(folder / "rows.csv", csv + "\n");
  }
  Run operator()(const std::string& command) const { return run(folder.path(), command); }
  json explained(const std::string& flags) const {
    const Run r = (*this)("sluice explain --bundle bundle " + flags + " --json e.json --quiet");
    CAPTURE(flags, r.err);
    REQUIRE(r.exit_code == 0);
    return json::parse(read_file(folder / "e.json"));
  }
  std::vector<json> records(const std::string& flags) const {
    const Run r = (*this)("sluice score --bundle bundle --data rows.csv --id id --out o.jsonl --quiet " + flags);
    CAPTURE(r.err);
    REQUIRE(r.exit_code == 0);
    std::vector<json> out;
    std::istringstream lines(read_file(folder / "o.jsonl"));
    for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line));
    return out;
  }
};

}  // namespace

TEST_CASE("a row is found by its number or its id, with the same explanation") {
  const Desk desk;
  for (const int row : {0, 17, 39}) {
    json by_row = desk.explained("--data rows.csv --row " + std::to_string(row)),
         by_id = desk.explained("--data rows.csv --id request-" + std::to_string(row));
    CHECK(by_row["row"] == row);
    CHECK(by_id["id"] == "request-" + std::to_string(row));
    for (json* report : {&by_row, &by_id}) report->erase("id"), report->erase("timings_us");
    CHECK(by_row == by_id);
  }
  CHECK(desk("sluice explain --bundle bundle --data rows.csv --row 40").exit_code == 1);
  CHECK_THAT(desk("sluice explain --bundle bundle --data rows.csv --id unknown-id").err,
             Catch::Contains("explain.id") && Catch::Contains("unknown-id"));
  CHECK(desk("sluice explain --bundle bundle --data rows.csv").exit_code == 2);
  CHECK(desk("sluice explain --bundle bundle --data rows.csv --row -1").exit_code == 2);
  CHECK_THAT(desk("sluice explain --bundle bundle --data rows.csv --row 1 --method chain").err,
             Catch::Contains("explain.method") && Catch::Contains("permutation"));
  CHECK_THAT(desk("sluice explain --bundle bundle --data rows.csv --row 1").out, Catch::Contains("action"));
}

TEST_CASE("a stored decision has the same explanation as its row") {
  const Desk desk;
  desk.records("");
  for (std::size_t row = 0; row < kRows; row += 7) {
    json stored = desk.explained("--record o.jsonl --row " + std::to_string(row)),
         fresh = desk.explained("--data rows.csv --row " + std::to_string(row));
    for (json* report : {&stored, &fresh}) report->erase("id"), report->erase("timings_us");
    CHECK(stored == fresh);
  }
}

TEST_CASE("a stored decision that cannot be reproduced is reported") {
  const Desk desk;
  json record = desk.records("")[3];
  const auto explain = [&](const json& altered, const std::string& bundle = "bundle") {
    write_file(desk.folder / "r.json", altered.dump());
    return desk("sluice explain --record r.json --bundle " + bundle);
  };
  CHECK(explain(record).exit_code == 0);
  json altered = record;
  altered["action"] = record["action"] == "DECLINE" ? "APPROVE" : "DECLINE";
  CHECK(explain(altered).exit_code == 3);
  CHECK_THAT(explain(altered).err, Catch::Contains("differs: action"));
  altered = record;
  altered["p_final"] = 0.123;
  CHECK(explain(altered).exit_code == 3);
  CHECK_THAT(explain(record, "another").err, Catch::Contains("record.bundle"));
  altered = record;
  altered.erase("inputs");
  CHECK_THAT(explain(altered).err, Catch::Contains("record.inputs"));
  altered = record;
  altered["inputs"]["amount"] = "much";
  CHECK_THAT(explain(altered).err, Catch::Contains("record.input") && Catch::Contains("amount"));
  altered["inputs"].erase("amount");
  CHECK_THAT(explain(altered).err, Catch::Contains("amount"));
  for (const char* field : {"row", "action", "bundle", "id"}) {
    altered = record;
    altered[field] = json::array();
    CAPTURE(field);
    CHECK(explain(altered).exit_code == (std::string(field) == "id" ? 0 : 1));  // an id is only shown
  }
  write_file(desk.folder / "r.json", "{\n");
  CHECK_THAT(desk("sluice explain --bundle bundle --record r.json").err, Catch::Contains("record.json"));
  CHECK_THAT(desk("sluice explain --bundle bundle --record o.jsonl").err, Catch::Contains("record.which"));
}

TEST_CASE("score gives the same reasons as explain, for the selected rows, on any number of threads") {
  const Desk desk;
  const auto all = desk.records("--reasons all --threads 1"), adverse = desk.records("--reasons adverse --threads 3"),
             none = desk.records("");
  bool differs = false;
  for (std::size_t row = 0; row < kRows; ++row) {
    if (row % 8 == 0) {
      const json expected = desk.explained("--data rows.csv --row " + std::to_string(row))["reasons"];
      REQUIRE(all[row]["reasons"].size() == expected.size());
      for (std::size_t k = 0; k < expected.size(); ++k) CHECK(all[row]["reasons"][k]["code"] == expected[k]["code"]);
    }
    CHECK(adverse[row]["reasons"] == (all[row]["action"] == "APPROVE" ? none : all)[row]["reasons"]);
    differs = differs || adverse[row] != all[row];
  }
  CHECK(differs);
}
