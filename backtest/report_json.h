#pragma once
/// report.json: docs/backtest_report.schema.json describes it. The same report gives the same bytes.

#include <string>

#include "sluice/backtest/report.h"

namespace sluice::backtest {

std::string report_json(const Report& report);

}  // namespace sluice::backtest
