#pragma once
/// report.json, described by docs/backtest_report.schema.json. The same report gives the same bytes.
/// Thread-safety: a pure function.

#include <string>

#include "sluice/backtest/report.h"

namespace sluice::backtest {

std::string report_json(const Report& report);

}  // namespace sluice::backtest
