#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/cascade/engine_parts.h"
#include "sluice/cascade/resilience/forest_call.h"
#include "sluice/cascade/resilience/network_call.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kBlock = 256;
constexpr float kNoMargin = std::numeric_limits<float>::quiet_NaN();  // what a stage leaves out is not finite

/// Runs `score` over the whole batch, or, where that throws, over each row alone: one row's fault is not another's.
/// `fail` takes the rows that throw by themselves.
template <class Score, class Fail>
void score_each(std::size_t n_rows, const Score& score, const Fail& fail) {
  try {
    return score(std::size_t{0}, n_rows);
  } catch (...) {
  }
  for (std::size_t i = 0; i < n_rows; ++i) {
    try {
      score(i, std::size_t{1});
    } catch (...) {
      fail(i);
    }
  }
}

}  // namespace

void Engine::decide_batch(RowsView rows, std::span<Decision> decisions, ThreadPool* pool,
                          std::span<const std::int64_t> now_us) const {
  if (rows.n_columns != bundle_->schema.size() || decisions.size() < rows.n_rows)
    throw Error("shape", "a row has " + std::to_string(bundle_->schema.size()) +
                             " columns in this bundle's schema, not " + std::to_string(rows.n_columns));
  if (!now_us.empty() && now_us.size() < rows.n_rows) throw Error("shape", "each row of a batch has a time, or none");
  const auto work = [&](std::size_t block) {
    const std::size_t first = block * kBlock, n = std::min(kBlock, rows.n_rows - first);
    decide_block(rows.slice(first, n), decisions.subspan(first, n), now_us.empty() ? now_us : now_us.subspan(first, n));
  };
  const std::size_t n_blocks = (rows.n_rows + kBlock - 1) / kBlock;
  if (pool) return pool->run(n_blocks, work);
  for (std::size_t block = 0; block < n_blocks; ++block) work(block);
}

void Engine::decide_block(RowsView rows, std::span<Decision> decisions, std::span<const std::int64_t> now_us) const {
  const auto now = [&](std::size_t i) { return seconds_of(now_us.empty() ? 0 : now_us[i]); };
  std::array<PrefixMargins, kBlock> staged;
  for (std::size_t i = 0; i < rows.n_rows; ++i) staged[i].fill(kNoMargin);
  std::array<Cause, kBlock> causes{};
  ledger_->arrive(rows.n_rows);
  score_each(
      rows.n_rows,
      [&](std::size_t first, std::size_t n) { forest_->stage().score(rows.slice(first, n), {&staged[first], n}); },
      [&](std::size_t i) { causes[i] = Cause::forest_failed; });
  std::array<float, kBlock> gains;
  gains.fill(kNoMargin);
  if (bundle_->policy.asks_gain()) bundle_->gain->expect(rows, {staged.data(), rows.n_rows}, gains);
  std::array<bool, kBlock> scored{};
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    Decision& d = decisions[i] = Decision{};
    if (apply_pre_rules(rows.row(i), now(i), d)) continue;
    scored[i] = take_forest(causes[i], staged[i], d);
    if (scored[i])
      record_route(bundle_->forwarding(d.forest.p, gains[i]), d);
    else
      decide_without_models(rows.row(i), now(i), d);
  }
  refine_block(rows, {staged.data(), rows.n_rows}, decisions);
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    if (scored[i]) {
      apply_cutoffs(decisions[i]);
      apply_post_rules(rows.row(i), now(i), decisions[i]);
    }
    ledger_->decide(decisions[i]);
  }
}

void Engine::refine_block(RowsView rows, std::span<const PrefixMargins> staged, std::span<Decision> decisions) const {
  Table forwarded(rows.n_columns);
  std::vector<PrefixMargins> forwarded_staged;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    Decision& d = decisions[i];
    if (!d.in_band) continue;
    Cause cause = may_refine(Deadline::none());
    if (cause == Cause::none && lacks_late_features(rows.row(i))) cause = Cause::late_features_missing;
    if (cause != Cause::none) {
      degrade_to(Level::L1, cause, d);
      continue;
    }
    forwarded.append(rows.row(i));
    forwarded_staged.push_back(staged[i]);
    places.push_back(i);
  }
  if (places.empty()) return;
  std::vector<float> margins(places.size(), kNoMargin);
  std::vector<NetworkAnswer> answers(places.size());
  score_each(
      places.size(),
      [&](std::size_t first, std::size_t n) {
        const NetworkAnswer answer = network_->stage().score(
            forwarded.view().slice(first, n), {&forwarded_staged[first], n}, {&margins[first], n}, Deadline::none());
        std::fill_n(answers.begin() + static_cast<std::ptrdiff_t>(first), n, answer);
      },
      [&](std::size_t i) { answers[i].cause = Cause::network_failed; });
  for (std::size_t i = 0; i < places.size(); ++i) {
    Decision& d = decisions[places[i]];
    if (answers[i].cause == Cause::none)
      take_network(margins[i], answers[i].device, d);
    else
      degrade_to(Level::L1, answers[i].cause, d);
  }
}

}  // namespace sluice::cascade
