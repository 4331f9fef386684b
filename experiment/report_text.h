#pragma once
/// Formats estimates for the page and the table of an experiment report.
/// Thread-safety: pure functions.

#include <string>

#include "sluice/experiment/report.h"

namespace sluice::experiment {

std::string percent_text(const Estimate& estimate);  // "12.3 % (11.0 to 13.6)"
std::string p_text(double p);                        // "= 0.0123", "< 0.0001"
std::string value_text(const Estimate& estimate);    // "0.1234 (0.1100 to 0.1360)"

/// The total cost difference over an arm's labelled decisions.
Estimate total_difference(const ArmFigures& arm);

}  // namespace sluice::experiment
