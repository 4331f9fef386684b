#pragma once
/// Compares two policies field by field.
///
/// Thread-safety: the function is pure.

#include <string>
#include <vector>

#include "sluice/bundle/policy.h"

namespace sluice::cascade {

struct PolicyDifference {
  std::string pointer;        // JSON pointer of the field: "/levels/L0/approve_below"
  std::string before, after;  // as JSON; empty if the field is absent
};

/// Sorted by pointer; empty for equal policies. Fields that a document leaves out are compared with their defaults.
std::vector<PolicyDifference> differences(const Policy& before, const Policy& after);

}  // namespace sluice::cascade
