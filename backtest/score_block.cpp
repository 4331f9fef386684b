#include "sluice/backtest/score_block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sluice::backtest {
namespace {

constexpr std::size_t kPiece = 256;

/// A forest that is down.
class NoForest : public cascade::ForestStage {
 public:
  void score(RowsView, std::span<cascade::StagedMargins> out) const override {
    for (auto& staged : out) staged.fill(std::numeric_limits<float>::quiet_NaN());
  }
};

/// The bundle without its network: L1 inside the band.
std::unique_ptr<const cascade::Engine> without_network(const cascade::Engine& engine) {
  auto bundle = std::make_shared<cascade::Bundle>(engine.bundle());
  bundle->network = nullptr;
  cascade::EngineOptions options;
  options.forest = {std::shared_ptr<const cascade::ForestStage>(), &engine.forest_stage()};  // not owned: `engine` outlives this
  return std::make_unique<const cascade::Engine>(std::move(bundle), options);
}

/// The bundle without models, with or without its fallback rules: L2, or L3.
std::unique_ptr<const cascade::Engine> without_models(const cascade::Engine& engine, bool with_fallback) {
  auto bundle = std::make_shared<cascade::Bundle>(engine.bundle());
  bundle->network = nullptr;
  if (!with_fallback) bundle->fallback.reset();
  cascade::EngineOptions options;
  options.forest = std::make_shared<NoForest>();
  return std::make_unique<const cascade::Engine>(std::move(bundle), options);
}

Verdict by_stage(float margin, const cascade::Platt& calibration, const cascade::Cutoffs& cutoffs, const Verdict& otherwise) {
  if (!std::isfinite(margin)) return otherwise;
  const double p = calibration.probability(margin);
  return {p, cutoffs.decide(p)};
}

}  // namespace

BlockScorer::BlockScorer(const cascade::Engine& engine, bool levels) : engine_(engine) {
  if (!levels) return;
  degraded_.push_back(without_network(engine));
  degraded_.push_back(without_models(engine, true));
  degraded_.push_back(without_models(engine, false));
}

std::span<ScoredRow> BlockScorer::score(const io::RowBlock& block, ThreadPool& pool) {
  decide(block, pool);
  score_stages(block.rows.view(), pool);
  degrade(block.rows.view(), pool);
  return scored_;
}

void BlockScorer::decide(const io::RowBlock& block, ThreadPool& pool) {
  decisions_.resize(block.rows.n_rows());
  engine_.decide_batch(block.rows.view(), decisions_, &pool);
  scored_.assign(decisions_.size(), {});
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    const cascade::Decision& d = decisions_[i];
    ScoredRow& row = scored_[i];
    row.is_bad = block.labels[i] > 0.5f;
    row.in_band = d.in_band;
    row.forwarded = d.network.ran;
    row.level = d.level;
    row.cascade = {d.p_final, d.action};
  }
}

/// The forest alone and the network for everybody, without rules. A forest that gives no finite number takes the safe default; a network
/// that gives none leaves the row to the forest at L1's cut-offs, as the engine would.
void BlockScorer::score_stages(RowsView rows, ThreadPool& pool) {
  const cascade::Bundle& bundle = engine_.bundle();
  const cascade::NetworkStage* network = engine_.network_stage();
  pool.run((rows.n_rows + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t first = piece * kPiece, n = std::min(kPiece, rows.n_rows - first);
    const RowsView part = rows.slice(first, n);
    std::array<cascade::StagedMargins, kPiece> staged;
    std::array<float, kPiece> margins;
    engine_.forest_stage().score(part, {staged.data(), n});
    if (network) network->score(part, {staged.data(), n}, {margins.data(), n});
    for (std::size_t i = 0; i < n; ++i) {
      ScoredRow& row = scored_[first + i];
      const float margin = staged[i].back();
      const Verdict nothing{.action = bundle.policy.level3};
      row.forest = by_stage(margin, bundle.calibration.forest, bundle.policy.level0, nothing);
      if (network) row.network = by_stage(margins[i], bundle.calibration.network, bundle.policy.level0, by_stage(margin, bundle.calibration.forest, bundle.policy.level1, nothing));
    }
  });
}

void BlockScorer::degrade(RowsView rows, ThreadPool& pool) {
  for (std::size_t level = 0; level < degraded_.size(); ++level) {
    degraded_[level]->decide_batch(rows, decisions_, &pool);
    for (std::size_t i = 0; i < scored_.size(); ++i) scored_[i].degraded[level] = {decisions_[i].p_final, decisions_[i].action};
  }
}

}  // namespace sluice::backtest
