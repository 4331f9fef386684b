#pragma once
// The "tests" of a rule set's JSON.

#include <string>
#include <vector>

#include "sluice/base/json_fields.h"
#include "sluice/rules/compile/document.h"

namespace sluice::rules {

/// Reads `tests`, an array at /tests; `ids` are the rules' ids.
std::vector<RuleTest> read_tests(const Json& tests, const std::string& source, const Schema& schema, Phase phase,
                                 const std::vector<std::string>& ids, std::vector<Diagnostic>& out);

}  // namespace sluice::rules
