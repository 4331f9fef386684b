#pragma once
/// Not installed.

#include <optional>

#include "sluice/bundle/bundle.h"
#include "sluice/bundle/costs.h"

namespace sluice::backtest {

/// The costs in a trained bundle's report; nullopt if it has none.
std::optional<cascade::Costs> costs_of(const cascade::Bundle& bundle);

}  // namespace sluice::backtest
