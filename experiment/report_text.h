#pragma once
/// Estimates as the experiment report's page and table write them.

#include <string>

#include "sluice/experiment/report.h"

namespace sluice::audit {

std::string percent_text(const Estimate& estimate);  // "12.3 % (11.0 to 13.6)"
std::string p_text(double p);                        // "= 0.0123", "< 0.0001"
std::string value_text(const Estimate& estimate);    // "0.1234 (0.1100 to 0.1360)"

/// The cost difference of an arm's labelled decisions together.
Estimate total_difference(const ArmFigures& arm);

}  // namespace sluice::audit
