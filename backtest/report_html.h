#pragma once
/// report.html: one static page with inline SVG; no script, nothing loaded from elsewhere.

#include <string>

#include "sluice/backtest/report.h"

namespace sluice::backtest {

std::string report_html(const Report& report);

}  // namespace sluice::backtest
