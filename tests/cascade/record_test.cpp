#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sluice/cascade/engine.h"
#include "sluice/cascade/record.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace cascade;

TEST_CASE("a record is JSON with the documented fields, and its numbers read back to the same bits") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 1, {.with_rules = true});
  const Engine engine(bundle);
  const Table rows = small_rows(bundle->schema, 300, 2);
  for (std::size_t i = 0; i < 300; ++i) {
    const Decision d = engine.decide(rows.row(i));
    std::string text;
    append_record(text, *bundle, d, {.id = "a\"\\\n\t\x01é", .row = i, .inputs = rows.row(i)});
    CAPTURE(text);
    CHECK(text.find('\n') == std::string::npos);
    const auto json = nlohmann::json::parse(text);
    for (const char* key : {"id", "bundle", "policy_version", "row", "action", "path", "level", "cause", "forest",
                            "band", "network", "p_final", "rules", "reasons", "timings_us", "inputs"})
      REQUIRE(json.contains(key));
    CHECK(json["id"] == "a\"\\\n\t\x01é");
    CHECK(json["bundle"] == "sha256:" + bundle->digest.hex());
    CHECK(json["row"] == i);
    CHECK(json["action"] == rules::to_string(d.action));
    CHECK(json["network"].is_null() == !d.network.ran);
    if (d.forest.ran) {
      CHECK(std::bit_cast<std::uint64_t>(json["forest"]["p"].get<double>()) ==
            std::bit_cast<std::uint64_t>(d.forest.p));
      CHECK(std::strtof(json["forest"]["margin"].dump().c_str(), nullptr) == d.forest.margin);
      CHECK(json["p_final"].get<double>() == d.p_final);
      CHECK(json["band"]["inside"] == d.in_band);
    }
    for (std::size_t c = 0; c < bundle->schema.size(); ++c) {
      const auto& input = json["inputs"][bundle->schema[c].name];
      const double cell = rows.row(i)[c];
      if (std::isnan(cell))
        CHECK(input.is_null());
      else if (bundle->schema[c].kind == Kind::category)
        CHECK(input == bundle->schema.format_cell(c, cell));
      else
        CHECK(std::bit_cast<std::uint64_t>(input.get<double>()) == std::bit_cast<std::uint64_t>(cell));
    }
  }
}

TEST_CASE("infinite inputs are strings that the schema reads, and steps that did not happen are null") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 3, {.with_network = false, .band = std::nullopt});
  Table rows = small_rows(bundle->schema, 1, 4);
  rows.row(0)[2] = INFINITY;
  rows.row(0)[3] = -INFINITY;
  std::string text;
  append_record(text, *bundle, Engine(bundle).decide(rows.row(0)), {.inputs = rows.row(0)});
  const auto json = nlohmann::json::parse(text);
  CHECK(json["inputs"]["amount"] == "inf");
  CHECK(json["inputs"]["ratio"] == "-inf");
  double cell = 0;
  CHECK(bundle->schema.parse_cell(3, json["inputs"]["ratio"].get<std::string>(), cell) == CellStatus::ok);
  CHECK(cell == -INFINITY);
  for (const char* key : {"id", "band", "network", "cause"}) CHECK(json[key].is_null());
}

}  // namespace sluice::test
