#include <nlohmann/json.hpp>

#include "experiment/experiment_support.h"
#include "sluice/experiment/report_json.h"
#include "support/catch.h"
#include "support/json_schema.h"

namespace sluice::test {

TEST_CASE("the report matches docs/experiment_report.schema.json, with and without labels") {
  const JsonSchema schema("experiment_report.schema.json");
  const TempDir dir;
  const ExperimentLog log(dir.path(), 500);
  const auto labels = experiment::OutcomeLabels::read((dir / "labels.csv").string(), {"number", "outcome"});
  const auto json = [&](const experiment::ExperimentReportOptions& options) {
    return nlohmann::json::parse(
        experiment::experiment_json(experiment::experiment_report(dir / "log", log.plan, options)));
  };
  CHECK(schema.accepts(json({})));
  auto report = json({.labels = &labels});
  CHECK(schema.accepts(report));
  report["experiments"][0]["arms"][0].erase("cost");
  CHECK_FALSE(schema.accepts(report));
}

}  // namespace sluice::test
