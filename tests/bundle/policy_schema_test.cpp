#include <nlohmann/json.hpp>

#include "policy_documents.h"
#include "support/catch.h"
#include "support/json_schema.h"

namespace sluice::test {

TEST_CASE("docs/policy.schema.json accepts the policies that the reader accepts, and no others") {
  const JsonSchema schema("policy.schema.json");
  for (const auto& document : policy_documents()) {
    if (document.beyond_schema || document.code == "policy.json") continue;
    CAPTURE(document.text);
    CHECK(schema.accepts(nlohmann::json::parse(document.text)) == document.code.empty());
  }
}

}  // namespace sluice::test
