#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "audit/experiment_support.h"
#include "sluice/audit/experiment_json.h"
#include "support/catch.h"

namespace sluice::test {

TEST_CASE("docs/experiment_report.schema.json describes the report, with labels and without") {
  const auto document =
      nlohmann::json::parse(read_file(std::string(SLUICE_SOURCE_DIR) + "/docs/experiment_report.schema.json"));
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(document), schema);
  const auto is_valid = [&](const nlohmann::json& report) {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(report), nullptr);
  };
  const TempDir dir;
  const ExperimentLog log(dir.path(), 500);
  const auto labels = audit::OutcomeLabels::read((dir / "labels.csv").string(), {"number", "outcome"});
  const auto json = [&](const audit::ExperimentReportOptions& options) {
    return nlohmann::json::parse(audit::experiment_json(audit::experiment_report(dir / "log", log.plan, options)));
  };
  CHECK(is_valid(json({})));
  auto report = json({.labels = &labels});
  CHECK(is_valid(report));
  report["experiments"][0]["arms"][0].erase("cost");
  CHECK_FALSE(is_valid(report));
}

}  // namespace sluice::test
