#include <nlohmann/json.hpp>

#include "experiment_documents.h"
#include "support/catch.h"
#include "support/json_schema.h"

namespace sluice::test {

TEST_CASE("docs/experiments.schema.json accepts exactly the plans that the reader accepts") {
  const JsonSchema schema("experiments.schema.json");
  for (const auto& document : experiment_documents()) {
    if (document.beyond_schema || document.code == "experiment.json") continue;
    CAPTURE(document.text);
    CHECK(schema.accepts(nlohmann::json::parse(document.text)) == document.code.empty());
  }
}

}  // namespace sluice::test
