#pragma once
/// Not installed.

#include <nlohmann/json.hpp>
#include <string>

#include "sluice/bundle/costs.h"

namespace sluice::backtest {

/// The costs that a report is based on. `price` is the price of forwarding one row.
inline nlohmann::ordered_json costs_json(const std::string& from, const cascade::Costs& costs, double price) {
  return {{"from", from},
          {"false_positive", costs.false_positive},
          {"false_negative", costs.false_negative},
          {"review", costs.review ? nlohmann::ordered_json(*costs.review) : nlohmann::ordered_json(nullptr)},
          {"network_call", costs.network_call},
          {"forwarding", price}};
}

}  // namespace sluice::backtest
