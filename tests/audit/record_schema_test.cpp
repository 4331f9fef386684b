#include <nlohmann/json.hpp>

#include "audit/log_support.h"
#include "sluice/cascade/record.h"
#include "support/catch.h"
#include "support/json_schema.h"

namespace sluice::test {

using namespace audit;

TEST_CASE("docs/record.schema.json accepts the records of score and of the log, and rejects changed ones") {
  const JsonSchema schema("record.schema.json");
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
      REQUIRE(schema.accepts(record));
      for (const auto& [key, value] : record.items()) {
        auto changed = record;
        changed[key] = true;
        REQUIRE_FALSE(schema.accepts(changed));
      }
      auto changed = record;
      changed.erase("action");
      REQUIRE_FALSE(schema.accepts(changed));
      changed = record;
      changed["acton"] = "APPROVE";
      REQUIRE_FALSE(schema.accepts(changed));
    }
  }
}

}  // namespace sluice::test
