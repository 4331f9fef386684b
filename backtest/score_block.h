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

/// A forest stage that scores the rows of a block once and then gives the same margins to every engine that decides the
/// block.
class RecordedForest : public cascade::ForestStage {
 public:
  explicit RecordedForest(const cascade::ForestStage& stage) : stage_(stage) {}

  /// `rows` must stay where they are until the next call.
  void record(RowsView rows, ThreadPool& pool);
  std::span<const cascade::PrefixMargins> margins() const { return margins_; }
  /// Rows that are not of the block are scored anew.
  void score(RowsView rows, std::span<cascade::PrefixMargins> out) const override;

 private:
  const cascade::ForestStage& stage_;
  RowsView block_;
  std::vector<cascade::PrefixMargins> margins_;
};

class BlockScorer {
 public:
  /// `levels`: also as if L1, L2 and L3. `engine` must outlive this.
  BlockScorer(const cascade::Engine& engine, bool levels);

  /// One ScoredRow a row of the block, without the challenger's part. Valid until the next call.
  std::span<ScoredRow> score(const io::RowBlock& block, ThreadPool& pool);

 private:
  void decide(const io::RowBlock& block, ThreadPool& pool);
  void score_stages(RowsView rows, ThreadPool& pool);
  void drop_rules(RowsView rows);
  void degrade(RowsView rows, ThreadPool& pool);

  std::shared_ptr<RecordedForest> forest_;
  cascade::Engine engine_;                                        // the caller's, on the recorded forest
  std::vector<std::unique_ptr<const cascade::Engine>> degraded_;  // L1, L2, L3; empty where not asked for
  std::vector<cascade::Decision> decisions_;
  std::vector<ScoredRow> scored_;
};

}  // namespace sluice::backtest
