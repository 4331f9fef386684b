#include "sluice/backtest/score_block.h"

#include "sluice/cascade/routing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

namespace sluice::backtest {
namespace {

constexpr std::size_t kPiece = 256;

/// A forest stage that always fails.
class NoForest : public cascade::ForestStage {
 public:
  void score(RowsView, std::span<cascade::PrefixMargins> out) const override {
    for (auto& staged : out) staged.fill(std::numeric_limits<float>::quiet_NaN());
  }
};

/// A non-owning pointer: the caller's engine outlives the scorer.
template <class T>
std::shared_ptr<const T> borrowed(const T* object) {
  return {std::shared_ptr<const T>(), object};
}

/// An engine of the bundle without its network, of any runtime: L1 inside the band.
std::unique_ptr<const cascade::Engine> without_network(const cascade::Engine& engine,
                                                       std::shared_ptr<const cascade::ForestStage> forest) {
  auto bundle = std::make_shared<cascade::Bundle>(engine.bundle());
  bundle->network = nullptr;
  bundle->imported = nullptr;
  cascade::EngineOptions options;
  options.forest = std::move(forest);
  return std::make_unique<const cascade::Engine>(std::move(bundle), options);
}

/// An engine of the bundle without models: L2 with its fallback rules, L3 without.
std::unique_ptr<const cascade::Engine> without_models(const cascade::Engine& engine, bool with_fallback) {
  auto bundle = std::make_shared<cascade::Bundle>(engine.bundle());
  bundle->network = nullptr;
  bundle->imported = nullptr;
  if (!with_fallback) bundle->fallback.reset();
  cascade::EngineOptions options;
  options.forest = std::make_shared<NoForest>();
  return std::make_unique<const cascade::Engine>(std::move(bundle), options);
}

Verdict by_stage(float margin, const cascade::Platt& calibration, const cascade::Cutoffs& cutoffs,
                 const Verdict& otherwise) {
  if (!std::isfinite(margin)) return otherwise;
  const double p = calibration.probability(margin);
  return {p, cutoffs.decide(p)};
}

}  // namespace

void RecordedForest::record(RowsView rows, ThreadPool& pool) {
  block_ = rows;
  margins_.resize(rows.n_rows);
  pool.run((rows.n_rows + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t first = piece * kPiece, n = std::min(kPiece, rows.n_rows - first);
    stage_.score(rows.slice(first, n), {&margins_[first], n});
  });
}

void RecordedForest::score(RowsView rows, std::span<cascade::PrefixMargins> out) const {
  const std::less<> before;
  const double* end = block_.data + block_.n_rows * block_.stride;
  if (before(rows.data, block_.data) || !before(rows.data, end) || rows.stride != block_.stride)
    return stage_.score(rows, out);
  const auto first = static_cast<std::size_t>(rows.data - block_.data) / block_.stride;
  std::copy_n(margins_.begin() + static_cast<std::ptrdiff_t>(first), rows.n_rows, out.begin());
}

BlockScorer::BlockScorer(const cascade::Engine& engine, bool levels)
    : forest_(std::make_shared<RecordedForest>(engine.forest_stage())),
      engine_(borrowed(&engine.bundle()), {.forest = forest_, .network = borrowed(engine.network_stage())}) {
  if (!levels) return;
  degraded_.push_back(without_network(engine, forest_));
  degraded_.push_back(without_models(engine, true));
  degraded_.push_back(without_models(engine, false));
}

std::span<ScoredRow> BlockScorer::score(const io::RowBlock& block, ThreadPool& pool) {
  forest_->record(block.rows.view(), pool);
  decide(block, pool);
  score_stages(block.rows.view(), pool);
  if (engine_.bundle().pre || engine_.bundle().post) drop_rules(block.rows.view());
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

/// The forest alone and the network for all rows, without rules. If the forest's margin is not finite, the row gets the
/// safe default; if the network's is not, it is decided by the forest at L1's cut-offs, as in the engine.
void BlockScorer::score_stages(RowsView rows, ThreadPool& pool) {
  const cascade::Bundle& bundle = engine_.bundle();
  const cascade::NetworkStage* network = engine_.network_stage();
  pool.run((rows.n_rows + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t first = piece * kPiece, n = std::min(kPiece, rows.n_rows - first);
    const auto staged = forest_->margins().subspan(first, n);
    std::array<float, kPiece> margins;
    if (network) network->score(rows.slice(first, n), staged, {margins.data(), n}, cascade::Deadline::none());
    for (std::size_t i = 0; i < n; ++i) {
      ScoredRow& row = scored_[first + i];
      const float margin = staged[i].back();
      const Verdict nothing{.action = bundle.policy.level3};
      row.forest = by_stage(margin, bundle.calibration.forest, bundle.policy.level0, nothing);
      if (network)
        row.network = by_stage(margins[i], bundle.calibration.network, bundle.policy.level0,
                               by_stage(margin, bundle.calibration.forest, bundle.policy.level1, nothing));
    }
  });
}

/// The cascade without rules: the band chooses between the results of the two stages.
void BlockScorer::drop_rules(RowsView rows) {
  const cascade::Policy& policy = engine_.bundle().policy;
  const bool has_network = engine_.network_stage() && policy.network.enabled;
  for (std::size_t i = 0; i < scored_.size(); ++i) {
    ScoredRow& row = scored_[i];
    const cascade::Decision& d = decisions_[i];
    row.without_rules = row.forest;
    // Rows that the rules decided before the forest were never routed; the others were.
    const bool is_wanted =
        d.forest.ran
            ? d.in_band
            : cascade::route_of(engine_.bundle(), rows.row(i), forest_->margins()[i], row.forest.p).is_forwarded;
    if (!is_wanted) continue;
    row.without_rules_forwarded =
        has_network &&
        (d.network.ran || !d.forest.ran);  // a row that rules decided before the models is forwarded here
    if (row.without_rules_forwarded)
      row.without_rules = row.network;
    else
      row.without_rules.action = policy.level1.decide(row.forest.p);
  }
}

void BlockScorer::degrade(RowsView rows, ThreadPool& pool) {
  for (std::size_t level = 0; level < degraded_.size(); ++level) {
    degraded_[level]->decide_batch(rows, decisions_, &pool);
    for (std::size_t i = 0; i < scored_.size(); ++i)
      scored_[i].degraded[level] = {decisions_[i].p_final, decisions_[i].action};
  }
}

}  // namespace sluice::backtest
