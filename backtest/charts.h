#pragma once
/// The SVG charts of a backtest's page. Each function returns one <svg> element. Not installed.

#include <string>

#include "sluice/backtest/report.h"

namespace sluice::backtest {

std::string roc_chart(const Report& report);
std::string calibration_chart(const Report& report);
/// Distribution of the forest's p for good and bad rows, with the band shaded and the cut-offs marked.
std::string score_chart(const Report& report);
std::string cost_chart(const Report& report);
/// AUC, bad rate and forward rate as lines, PSI as bars, over the time slices; empty if there are fewer than two.
std::string drift_chart(const SliceTable& table);

}  // namespace sluice::backtest
