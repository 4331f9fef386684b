#include "support/json_schema.h"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <fstream>

namespace sluice::test {

using valijson::adapters::NlohmannJsonAdapter;

struct JsonSchema::Parsed {
  valijson::Schema schema;
};

JsonSchema::JsonSchema(const std::string& name) {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/" + name);
  const auto json = nlohmann::json::parse(file);
  auto parsed = std::make_unique<Parsed>();
  valijson::SchemaParser().populateSchema(NlohmannJsonAdapter(json), parsed->schema);
  parsed_ = std::move(parsed);
}

JsonSchema::~JsonSchema() = default;

bool JsonSchema::accepts(const nlohmann::json& document) const {
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  return validator.validate(parsed_->schema, NlohmannJsonAdapter(document), nullptr);
}

}  // namespace sluice::test
