#pragma once
/// report.html: one static page with inline SVG, no scripts and no external resources.
/// Thread-safety: a pure function.

#include <string>

#include "sluice/backtest/report.h"

namespace sluice::backtest {

std::string report_html(const Report& report);

}  // namespace sluice::backtest
