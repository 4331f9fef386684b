#include "sluice/backtest/accumulate.h"

#include <algorithm>
#include <cmath>

namespace sluice::backtest {

void ActionCounts::merge(const ActionCounts& other) {
  for (std::size_t a = 0; a < kActions; ++a)
    for (std::size_t y = 0; y < 2; ++y) n[a][y] += other.n[a][y];
}

std::uint64_t ActionCounts::rows() const {
  std::uint64_t total = 0;
  for (const auto& by_label : n) total += by_label[0] + by_label[1];
  return total;
}

std::uint64_t ActionCounts::bad() const {
  std::uint64_t total = 0;
  for (const auto& by_label : n) total += by_label[1];
  return total;
}

double ActionCounts::cost(const cascade::Costs& costs) const {
  double total = 0;
  for (std::size_t a = 0; a < kActions; ++a)
    for (std::size_t y = 0; y < 2; ++y)
      total += static_cast<double>(n[a][y]) * costs.of(static_cast<Action>(a), y == 1);
  return total;
}

void ActionPairs::merge(const ActionPairs& other) {
  for (std::size_t from = 0; from < kActions; ++from)
    for (std::size_t to = 0; to < kActions; ++to)
      for (std::size_t y = 0; y < 2; ++y) n[from][to][y] += other.n[from][to][y];
}

void Tally::add(const Verdict& verdict, bool is_bad) {
  actions.add(verdict.action, is_bad);
  if (std::isnan(verdict.p)) return;
  scores.add(verdict.p, is_bad);
  constexpr double kSmallest = 1e-15;
  const double p = std::clamp(verdict.p, kSmallest, 1 - kSmallest), error = verdict.p - (is_bad ? 1 : 0);
  log_loss.add(is_bad ? -std::log(p) : -std::log1p(-p));
  squared_error.add(error * error);
}

void Tally::merge(const Tally& other) {
  scores.merge(other.scores);
  log_loss.merge(other.log_loss);
  squared_error.merge(other.squared_error);
  actions.merge(other.actions);
}

void SliceTally::add(const ScoredRow& row) {
  if (!std::isnan(row.cascade.p)) scores.add(row.cascade.p, row.is_bad);
  actions.add(row.cascade.action, row.is_bad);
  n_forwarded += row.forwarded;
}

void SliceTally::merge(const SliceTally& other) {
  scores.merge(other.scores);
  actions.merge(other.actions);
  n_forwarded += other.n_forwarded;
}

SliceTally& slice_of(Slices& slices, const std::string& name) {
  if (const auto it = slices.find(name); it != slices.end()) return it->second;
  const std::size_t n_named = slices.size() - slices.count(kOtherSlice);
  return slices[n_named < kMaxSlices ? name : kOtherSlice];
}

void Accumulator::add(const ScoredRow& row, const std::vector<std::string>& slice_names) {
  cascade.add(row.cascade, row.is_bad);
  forest.add(row.forest, row.is_bad);
  if (row.network.action != Action::none) network.add(row.network, row.is_bad);
  if (row.without_rules.action != Action::none) without_rules.add(row.without_rules, row.is_bad);
  if (row.forwarded) {
    band_forest.add(row.forest, row.is_bad);
    band_network.add(row.network, row.is_bad);
    flips.add(row.forest.action, row.cascade.action, row.is_bad);
  }
  ++n_by_level[static_cast<std::size_t>(row.level)];
  n_in_band += row.in_band;
  n_forwarded += row.forwarded;
  n_without_rules_forwarded += row.without_rules_forwarded;
  for (std::size_t l = 0; l < degraded.size(); ++l)
    if (row.degraded[l].action != Action::none) degraded[l].add(row.degraded[l], row.is_bad);
  if (row.challenger.action != Action::none) {
    challenger.add(row.challenger, row.is_bad);
    swaps.add(row.cascade.action, row.challenger.action, row.is_bad);
    n_challenger_forwarded += row.challenger_forwarded;
  }
  for (std::size_t s = 0; s < slices.size(); ++s) slice_of(slices[s], slice_names[s]).add(row);
}

void Accumulator::merge(const Accumulator& other) {
  cascade.merge(other.cascade);
  forest.merge(other.forest);
  network.merge(other.network);
  without_rules.merge(other.without_rules);
  band_forest.merge(other.band_forest);
  band_network.merge(other.band_network);
  flips.merge(other.flips);
  for (std::size_t l = 0; l < kLevels; ++l) n_by_level[l] += other.n_by_level[l];
  n_in_band += other.n_in_band;
  n_forwarded += other.n_forwarded;
  n_without_rules_forwarded += other.n_without_rules_forwarded;
  for (std::size_t l = 0; l < degraded.size(); ++l) degraded[l].merge(other.degraded[l]);
  challenger.merge(other.challenger);
  swaps.merge(other.swaps);
  n_challenger_forwarded += other.n_challenger_forwarded;
  for (std::size_t s = 0; s < slices.size(); ++s)
    for (const auto& [name, tally] : other.slices[s]) slice_of(slices[s], name).merge(tally);
}

}  // namespace sluice::backtest
