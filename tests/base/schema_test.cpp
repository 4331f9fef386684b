#include "sluice/base/schema.h"

#include <cmath>

#include "sluice/base/error.h"
#include "support/catch.h"

using namespace sluice;

namespace {

Schema sample() {
  return Schema({{.name = "amount", .unit = "USD", .missing_codes = {"-1"}},
                 {.name = "country", .kind = Kind::category, .vocabulary = {"DE", "NL"}},
                 {.name = "bureau", .late = true},
                 {.name = "age", .is_protected = true},
                 {.name = "card", .kind = Kind::id},
                 {.name = "at", .kind = Kind::time}});
}

double cell(const Schema& schema, std::size_t column, std::string_view text, CellStatus expected = CellStatus::ok) {
  double value = 0;
  REQUIRE(schema.parse_cell(column, text, value) == expected);
  return value;
}

}  // namespace

TEST_CASE("each kind of cell is read as the schema says") {
  const Schema schema = sample();
  REQUIRE(cell(schema, 0, " 5.00E+05 ") == 500000);
  REQUIRE(std::isnan(cell(schema, 0, "-1", CellStatus::missing)));
  REQUIRE(std::isnan(cell(schema, 0, "NA", CellStatus::missing)));
  REQUIRE(std::isnan(cell(schema, 0, "12x", CellStatus::invalid)));
  REQUIRE(std::isinf(cell(schema, 0, "-inf")));
  REQUIRE(cell(schema, 1, "NL") == 1);
  REQUIRE(cell(schema, 1, "FR", CellStatus::unseen_category) == 2);
  REQUIRE(cell(schema, 4, "4711") == hash_id("4711"));
  REQUIRE(cell(schema, 5, "1970-01-02 00:00:01") == 86401);
}

TEST_CASE("models read only the columns that they may read") {
  const Schema schema = sample();
  REQUIRE(std::vector<std::size_t>(schema.forest_columns().begin(), schema.forest_columns().end()) ==
          std::vector<std::size_t>{0, 1});
  REQUIRE(std::vector<std::size_t>(schema.network_columns().begin(), schema.network_columns().end()) ==
          std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("a schema survives a JSON round trip with its digest") {
  const Schema schema = sample(), again = Schema::from_json(schema.to_json());
  REQUIRE(again.to_json() == schema.to_json());
  REQUIRE(again.digest() == schema.digest());
}

TEST_CASE("all faults of a schema file are reported at once") {
  try {
    Schema::from_json(R"({"columns": [{"name": "a", "knd": "number"}, {"kind": "numbr"}], "x": 1})", "s.json");
    FAIL("nothing thrown");
  } catch (const Error& e) {
    for (const char* part :
         {"/columns/0/knd", "did you mean \"kind\"", "/columns/1/name", "did you mean \"number\"", "/x"})
      REQUIRE_THAT(std::string(e.what()), Catch::Contains(part));
  }
  REQUIRE_THROWS_WITH(Schema::from_json(R"({"columns": [{"name": "a"}, {"name": "a"}]})"), Catch::Contains("twice"));
  REQUIRE_THROWS_WITH(sample().index_of("amont"), Catch::Contains("did you mean \"amount\""));
}

TEST_CASE("times are read in ISO 8601 and as seconds, and other text is rejected") {
  REQUIRE(parse_time("2018-04-01T00:00:31") == 1522540831.0);
  REQUIRE(parse_time("2018-04-01T02:00:31+02:00") == 1522540831.0);
  REQUIRE(parse_time("2018-04-01 00:00:31.5Z") == 1522540831.5);
  REQUIRE(parse_time("1522540831") == 1522540831.0);
  REQUIRE(format_time(1522540831.0) == "2018-04-01T00:00:31Z");
  REQUIRE(format_time(-1) == "1969-12-31T23:59:59Z");
  for (const char* bad : {"2018-02-30", "2019-02-29", "2018-13-01", "2018-04-01T25:00", "2018-04-01x", "yesterday", ""})
    REQUIRE_FALSE(parse_time(bad));
}
