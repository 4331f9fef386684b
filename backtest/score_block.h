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

class BlockScorer {
 public:
  /// `levels`: also as if L1, L2 and L3. `engine` must outlive this.
  BlockScorer(const cascade::Engine& engine, bool levels);

  /// One ScoredRow a row of the block, without the challenger's part. Valid until the next call.
  std::span<ScoredRow> score(const io::RowBlock& block, ThreadPool& pool);

 private:
  void decide(const io::RowBlock& block, ThreadPool& pool);
  void score_stages(RowsView rows, ThreadPool& pool);
  void degrade(RowsView rows, ThreadPool& pool);

  const cascade::Engine& engine_;
  std::vector<std::unique_ptr<const cascade::Engine>> degraded_;  // L1, L2, L3; empty where not asked for
  std::vector<cascade::Decision> decisions_;
  std::vector<ScoredRow> scored_;
};

}  // namespace sluice::backtest
