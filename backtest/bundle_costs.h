#pragma once
/// Not installed.

#include <optional>

#include "sluice/bundle/bundle.h"
#include "sluice/bundle/costs.h"

namespace sluice::backtest {

/// The costs that a trained bundle's report names; nullopt where it names none.
std::optional<cascade::Costs> costs_of(const cascade::Bundle& bundle);

}  // namespace sluice::backtest
