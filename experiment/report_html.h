#pragma once
/// An experiment report as one static HTML page: no scripts, no external resources.
/// Thread-safety: a pure function.

#include <string>

#include "sluice/experiment/report.h"

namespace sluice::experiment {

std::string experiment_html(const ExperimentReport& report);

}  // namespace sluice::experiment
