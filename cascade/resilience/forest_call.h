#pragma once
/// Calls the forest stage for one request: breaker, stage, check of the answer. Not installed.
///
/// Thread-safety: all calls are thread-safe.

#include <atomic>
#include <memory>

#include "sluice/cascade/forest_stage.h"
#include "sluice/cascade/resilience/breaker.h"
#include "sluice/cascade/resilience/prober.h"

namespace sluice::cascade {

class ForestCall {
 public:
  ForestCall(std::shared_ptr<const ForestStage> stage, std::shared_ptr<Breaker> breaker, std::int64_t window_us,
             std::size_t n_columns);

  /// Returns none, and the last margin of `staged` is finite; or a cause of level 2. Never throws.
  Cause score(RowView row, Deadline deadline, PrefixMargins& staged);

  const ForestStage& stage() const { return *stage_; }
  Breaker& breaker() const { return *breaker_; }

 private:
  Cause try_score(RowView row, Deadline deadline, PrefixMargins& staged) const;
  void tell_breaker(Cause cause);

  std::shared_ptr<const ForestStage> stage_;
  std::shared_ptr<Breaker> breaker_;
  Prober prober_;
  std::int64_t window_us_;
  std::atomic<std::int64_t> watched_until_us_ = 0;  // 0: no recent failure, and successes are not recorded
};

}  // namespace sluice::cascade
