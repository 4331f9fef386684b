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

/// "12.3 %", "0.7812"; an en dash for NaN.
std::string percent(double share, int decimals = 1);
std::string decimal(double value, int decimals);
std::string count(std::uint64_t n);  // "1,234,567"

}  // namespace sluice::backtest
