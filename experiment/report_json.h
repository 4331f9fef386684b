#pragma once
/// An experiment report as JSON (docs/experiment_report.schema.json). The same report gives the same bytes.
/// Thread-safety: a pure function.

#include <string>

#include "sluice/experiment/report.h"

namespace sluice::experiment {

std::string experiment_json(const ExperimentReport& report);

}  // namespace sluice::experiment
