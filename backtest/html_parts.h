#pragma once
/// The style of this folder's HTML pages. Not installed.

#include <string_view>

#include "sluice/backtest/charts.h"
#include "sluice/report/html_text.h"
#include "sluice/report/numbers.h"

namespace sluice::backtest {

inline constexpr std::string_view kHtmlStyle = R"(.pair{display:grid;grid-template-columns:1fr 1fr;gap:28px}
.pair h3{margin:14px 0 0}
h3{font-size:14px;font-weight:600;margin:20px 0 4px}
td:first-child{white-space:nowrap}
tr.main td{font-weight:650}
@media(max-width:720px){.pair{grid-template-columns:1fr}}
)";

}  // namespace sluice::backtest
