#include "sluice/backtest/bundle_costs.h"

#include <nlohmann/json.hpp>

namespace sluice::backtest {

std::optional<cascade::Costs> costs_of(const cascade::Bundle& bundle) {
  const auto report = nlohmann::json::parse(bundle.train_report, nullptr, false);
  if (!report.is_object() || !report.contains("costs")) return std::nullopt;
  return cascade::Costs::from_json(report["costs"].dump(), "train_report.json /costs");
}

}  // namespace sluice::backtest
