#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "experiment_documents.h"
#include "sluice/base/file.h"
#include "support/catch.h"

namespace sluice::test {

TEST_CASE("docs/experiments.schema.json accepts the plans that the reader accepts, and no others") {
  const auto json = nlohmann::json::parse(read_file(std::string(SLUICE_SOURCE_DIR) + "/docs/experiments.schema.json"));
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(json), schema);
  for (const auto& document : experiment_documents()) {
    if (document.beyond_schema || document.code == "experiment.json") continue;
    CAPTURE(document.text);
    const auto plan = nlohmann::json::parse(document.text);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    CHECK(validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(plan), nullptr) == document.code.empty());
  }
}

}  // namespace sluice::test
