#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/cascade/engine_parts.h"
#include "sluice/cascade/resilience/forest_call.h"
#include "sluice/cascade/resilience/network_call.h"
#include "sluice/cascade/routing.h"
#include "sluice/cascade/selection.h"

namespace sluice::cascade {
namespace {

constexpr std::size_t kBlock = 256, kRuleRows = 64;

/// Runs `score` over the whole batch or, if that throws, over each row alone, so that one row's fault does not affect
/// the others. Calls `fail` for each row that throws alone.
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

/// The state of a block of rows. Places are positions in the block.
struct Engine::Batch {
  std::span<Decision> decisions;
  std::span<const std::int64_t> now_us;
  std::array<PrefixMargins, kBlock> margins{};
  std::array<Cause, kBlock> causes{};  // the forest's, by place

  std::vector<PrefixMargins> margins_of(const Selection& rows) const {
    std::vector<PrefixMargins> out(rows.size());
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = margins[rows.place(k)];
    return out;
  }

  double now(std::size_t i) const { return seconds_of(now_us.empty() ? 0 : now_us[i]); }

  /// Sets `outcome` of each selected row, 64 rows at a time.
  template <class Known>
  void evaluate(const rules::RuleSet& rules, const Selection& rows, rules::Outcome Decision::* outcome,
                const Known& known_of) {
    std::array<rules::ModelOutputs, kRuleRows> outputs;
    std::array<rules::Outcome, kRuleRows> outcomes;
    for (std::size_t first = 0; first < rows.size(); first += kRuleRows) {
      const std::size_t n = std::min(kRuleRows, rows.size() - first);
      for (std::size_t k = 0; k < n; ++k) outputs[k] = known_of(rows.place(first + k));
      rules.evaluate(rows.view().slice(first, n), std::span(outputs).first(n), std::span(outcomes).first(n));
      for (std::size_t k = 0; k < n; ++k) decisions[rows.place(first + k)].*outcome = outcomes[k];
    }
  }
};

void Engine::decide_batch(RowsView rows, std::span<Decision> decisions, ThreadPool* pool,
                          std::span<const std::int64_t> now_us) const {
  check_width(rows.n_columns);
  if (decisions.size() < rows.n_rows)
    throw Error("shape", "the output has room for " + std::to_string(decisions.size()) + " decisions, the batch has " +
                             std::to_string(rows.n_rows) + " rows");
  if (!now_us.empty() && now_us.size() < rows.n_rows)
    throw Error("shape", "the batch has " + std::to_string(rows.n_rows) + " rows and " + std::to_string(now_us.size()) +
                             " times; give one per row, or none");
  const auto work = [&](std::size_t block) {
    const std::size_t first = block * kBlock, n = std::min(kBlock, rows.n_rows - first);
    decide_block(rows.slice(first, n), decisions.subspan(first, n), now_us.empty() ? now_us : now_us.subspan(first, n));
  };
  const std::size_t n_blocks = (rows.n_rows + kBlock - 1) / kBlock;
  if (pool) return pool->run(n_blocks, work);
  for (std::size_t block = 0; block < n_blocks; ++block) work(block);
}

/// The steps of `decide` in their order, each for all rows that reach it.
void Engine::decide_block(RowsView rows, std::span<Decision> decisions, std::span<const std::int64_t> now_us) const {
  ledger_->arrive(rows.n_rows);
  std::fill(decisions.begin(), decisions.end(), Decision{});
  Batch batch{decisions, now_us};
  const Selection all(rows), open = apply_pre_rules(all, batch);
  const Selection scored = score_forest(open, batch);
  decide_without_models(open.where([&](std::size_t i) { return !decisions[i].forest.ran; }), batch);
  route(scored, batch);
  refine(scored.where([&](std::size_t i) { return decisions[i].in_band; }), batch);
  for (std::size_t k = 0; k < scored.size(); ++k) apply_cutoffs(decisions[scored.place(k)]);
  apply_post_rules(scored, batch);
  for (const Decision& d : decisions) ledger_->decide(d);
}

/// Returns the rows that no rule has decided.
Selection Engine::apply_pre_rules(const Selection& rows, Batch& batch) const {
  if (!bundle_->pre) return rows.where([](std::size_t) { return true; });
  batch.evaluate(*bundle_->pre, rows, &Decision::pre, [&](std::size_t i) { return known(batch.now(i)); });
  return rows.where([&](std::size_t i) { return !take_pre_rules(batch.decisions[i]); });
}

/// Returns the rows that the forest has scored.
Selection Engine::score_forest(const Selection& rows, Batch& batch) const {
  std::vector<PrefixMargins> margins(rows.size());
  for (PrefixMargins& one : margins) one.fill(kNoMargin);
  score_each(
      rows.size(),
      [&](std::size_t first, std::size_t n) {
        forest_->stage().score(rows.view().slice(first, n), {margins.data() + first, n});
      },
      [&](std::size_t k) { batch.causes[rows.place(k)] = Cause::forest_failed; });
  for (std::size_t k = 0; k < rows.size(); ++k) batch.margins[rows.place(k)] = margins[k];
  return rows.where([&](std::size_t i) { return take_forest(batch.causes[i], batch.margins[i], batch.decisions[i]); });
}

void Engine::decide_without_models(const Selection& rows, Batch& batch) const {
  if (bundle_->fallback)
    batch.evaluate(*bundle_->fallback, rows, &Decision::fallback, [&](std::size_t i) { return known(batch.now(i)); });
  for (std::size_t k = 0; k < rows.size(); ++k) {
    Decision& d = batch.decisions[rows.place(k)];
    bundle_->fallback ? take_fallback_rules(d) : fall_to_default(Cause::rules_missing, d);
  }
}

void Engine::route(const Selection& rows, Batch& batch) const {
  std::vector<float> gains(rows.size(), kNoMargin);
  if (bundle_->policy.asks_gain()) bundle_->gain->expect(rows.view(), batch.margins_of(rows), gains);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    Decision& d = batch.decisions[rows.place(k)];
    record_route(route_of(bundle_->policy.band, d.forest.p, gains[k]), d);
  }
}

/// For rows in the band.
void Engine::refine(const Selection& rows, Batch& batch) const {
  const Cause cause = may_refine(Deadline::none());
  std::array<bool, kBlock> is_asked{};
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const bool lacks_late = cause == Cause::none && lacks_late_features(rows.view().row(k));
    is_asked[rows.place(k)] = cause == Cause::none && !lacks_late;
    if (!is_asked[rows.place(k)])
      degrade_to(Level::L1, lacks_late ? Cause::late_features_missing : cause, batch.decisions[rows.place(k)]);
  }
  ask_network(rows.where([&](std::size_t i) { return is_asked[i]; }), batch);
}

void Engine::ask_network(const Selection& rows, Batch& batch) const {
  if (rows.size() == 0) return;
  const std::vector<PrefixMargins> forest = batch.margins_of(rows);
  std::vector<float> margins(rows.size(), kNoMargin);
  std::vector<NetworkAnswer> answers(rows.size());
  score_each(
      rows.size(),
      [&](std::size_t first, std::size_t n) {
        const NetworkAnswer answer = network_->stage().score(rows.view().slice(first, n), {&forest[first], n},
                                                             {&margins[first], n}, Deadline::none());
        std::fill_n(answers.begin() + static_cast<std::ptrdiff_t>(first), n, answer);
      },
      [&](std::size_t k) { answers[k].cause = Cause::network_failed; });
  for (std::size_t k = 0; k < rows.size(); ++k) {
    Decision& d = batch.decisions[rows.place(k)];
    if (answers[k].cause == Cause::none)
      take_network(margins[k], answers[k].device, d);
    else
      degrade_to(Level::L1, answers[k].cause, d);
  }
}

void Engine::apply_post_rules(const Selection& rows, Batch& batch) const {
  if (!bundle_->post) return;
  batch.evaluate(*bundle_->post, rows, &Decision::post,
                 [&](std::size_t i) { return known(batch.decisions[i], batch.now(i)); });
  for (std::size_t k = 0; k < rows.size(); ++k) take_post_rules(batch.decisions[rows.place(k)]);
}

}  // namespace sluice::cascade
