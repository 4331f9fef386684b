#pragma once
/// Computes figures from counts: applies the costs and reads curves off the histograms. Not installed.

#include <span>

#include "sluice/backtest/accumulate.h"
#include "sluice/backtest/report.h"
#include "sluice/backtest/slicer.h"
#include "sluice/bundle/bundle.h"

namespace sluice::backtest {

/// The figures of one way, of whose rows `n_forwarded` pay `price`.
Figures figures_of(const Tally& tally, const cascade::Costs& costs, std::uint64_t n_forwarded = 0, double price = 0);

/// Fills the parts of the report that come from counts. `report.costs` must be set.
void summarize(const Accumulator& totals, const cascade::Bundle& bundle, std::span<const Slicer> slicers,
               Report& report);
ChallengerReport summarize_challenger(const Accumulator& totals, const cascade::Bundle& challenger,
                                      const Report& report);
std::vector<LevelReport> summarize_levels(const Accumulator& totals, const cascade::Bundle& bundle,
                                          const cascade::Costs& costs);

}  // namespace sluice::backtest
