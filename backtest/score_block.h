#pragma once
/// Decides a block of rows in every way that a backtest compares. Not installed.

#include <memory>
#include <span>
#include <vector>

#include "sluice/backtest/accumulate.h"
#include "sluice/base/thread_pool.h"
#include "sluice/cascade/engine.h"
#include "sluice/io/rows.h"

namespace sluice::backtest {

/// A forest stage that scores the rows of a block once and returns the same margins to every engine that decides it.
class RecordedForest : public cascade::ForestStage {
 public:
  explicit RecordedForest(const cascade::ForestStage& stage) : stage_(stage) {}

  /// Scores the rows of a block. `rows` must stay valid until the next call.
  void record(RowsView rows, ThreadPool& pool);
  std::span<const cascade::PrefixMargins> margins() const { return margins_; }
  /// Scores rows that are not in the block again.
  void score(RowsView rows, std::span<cascade::PrefixMargins> out) const override;

 private:
  const cascade::ForestStage& stage_;
  RowsView block_;
  std::vector<cascade::PrefixMargins> margins_;
};

class BlockScorer {
 public:
  /// `levels`: also decide as if at L1, L2 and L3. `engine` must outlive this.
  BlockScorer(const cascade::Engine& engine, bool levels);

  /// One ScoredRow per row of the block, without the challenger's part. Valid until the next call.
  std::span<ScoredRow> score(const io::RowBlock& block, ThreadPool& pool);

 private:
  void decide(const io::RowBlock& block, ThreadPool& pool);
  void score_stages(RowsView rows, ThreadPool& pool);
  void drop_rules(RowsView rows);
  void degrade(RowsView rows, ThreadPool& pool);

  std::shared_ptr<RecordedForest> forest_;
  cascade::Engine engine_;                                        // the caller's bundle with the recorded forest
  std::vector<std::unique_ptr<const cascade::Engine>> degraded_;  // L1, L2, L3; empty if not requested
  std::vector<cascade::Decision> decisions_;
  std::vector<ScoredRow> scored_;
};

}  // namespace sluice::backtest
