#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "policy_documents.h"
#include "sluice/base/file.h"
#include "support/catch.h"

namespace sluice::test {

TEST_CASE("docs/policy.schema.json accepts the policies that the reader accepts, and no others") {
  const auto json = nlohmann::json::parse(read_file(std::string(SLUICE_SOURCE_DIR) + "/docs/policy.schema.json"));
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(json), schema);
  for (const auto& document : policy_documents()) {
    if (document.beyond_schema || document.code == "policy.json") continue;
    CAPTURE(document.text);
    const auto policy = nlohmann::json::parse(document.text);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    CHECK(validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(policy), nullptr) ==
          document.code.empty());
  }
}

}  // namespace sluice::test
