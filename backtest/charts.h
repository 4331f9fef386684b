#pragma once
/// The SVG charts of a backtest's page. Each function gives one <svg> element. Not installed.

#include <string>

#include "sluice/backtest/report.h"

namespace sluice::backtest {

std::string roc_chart(const Report& report);
std::string calibration_chart(const Report& report);
/// Good and bad over the forest's p, the band shaded, the cut-offs marked.
std::string score_chart(const Report& report);
std::string cost_chart(const Report& report);
/// AUC, forward rate and bad rate as lines, PSI as bars, over the slices of time.
std::string drift_chart(const SliceTable& table);

}  // namespace sluice::backtest
