#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "audit/log_support.h"
#include "sluice/base/file.h"
#include "sluice/cascade/record.h"
#include "support/catch.h"

namespace sluice::test {

using namespace audit;

TEST_CASE("docs/record.schema.json accepts the records of score and of the log, and no changed ones") {
  const auto json = nlohmann::json::parse(read_file(std::string(SLUICE_SOURCE_DIR) + "/docs/record.schema.json"));
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(json), schema);
  const auto is_valid = [&](const nlohmann::json& record) {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(record), nullptr);
  };
  const Decided decided(100);
  const std::vector<cascade::Reason> reasons = {{"HIGH_AMOUNT", "amount", 0.25}};
  const ShadowResult shadow;
  for (std::size_t i = 0; i < decided.decisions.size(); ++i) {
    std::string scored, bytes, logged;
    append_record(scored, *decided.bundle, decided.decisions[i],
                  {.id = "x", .row = i, .inputs = decided.rows.row(i), .reasons = reasons});
    encode(bytes, *decided.bundle, decided.decisions[i],
           {.row = decided.rows.row(i), .reasons = reasons, .shadow = &shadow});
    append_json(logged, decode(bytes), i % 2 ? &decided.bundle->schema : nullptr);
    for (const auto& text : {scored, logged}) {
      CAPTURE(text);
      const auto record = nlohmann::json::parse(text);
      REQUIRE(is_valid(record));
      for (const auto& [key, value] : record.items()) {
        auto changed = record;
        changed[key] = true;
        REQUIRE_FALSE(is_valid(changed));
      }
      auto changed = record;
      changed.erase("action");
      REQUIRE_FALSE(is_valid(changed));
      changed = record;
      changed["acton"] = "APPROVE";
      REQUIRE_FALSE(is_valid(changed));
    }
  }
}

}  // namespace sluice::test
