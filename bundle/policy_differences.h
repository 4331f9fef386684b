#pragma once
/// Two policies, field by field.

#include <string>
#include <vector>

#include "sluice/bundle/policy.h"

namespace sluice::cascade {

struct PolicyDifference {
  std::string pointer;        // JSON pointer of the field: "/levels/L0/approve_below"
  std::string before, after;  // as JSON; empty where the field is not there
};

/// In the pointers' order; empty for equal policies. Fields that a document leaves out have their defaults.
std::vector<PolicyDifference> differences(const Policy& before, const Policy& after);

}  // namespace sluice::cascade
