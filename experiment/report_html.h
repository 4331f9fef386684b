#pragma once
/// An experiment report as one static page; no script, nothing loaded from elsewhere.

#include <string>

#include "sluice/experiment/report.h"

namespace sluice::audit {

std::string experiment_html(const ExperimentReport& report);

}  // namespace sluice::audit
