#include "sluice/cascade/resilience/forest_call.h"

#include <cmath>
#include <limits>
#include <utility>

namespace sluice::cascade {

ForestCall::ForestCall(std::shared_ptr<const ForestStage> stage, std::shared_ptr<Breaker> breaker,
                       std::int64_t window_us, std::size_t n_columns)
    : stage_(std::move(stage)),
      breaker_(breaker),
      prober_(
          [stage = stage_](RowView row, const PrefixMargins&) {
            PrefixMargins staged;
            staged.back() = std::numeric_limits<float>::quiet_NaN();
            return stage->score_one(row, staged, Deadline::none()) == Cause::none && std::isfinite(staged.back());
          },
          breaker, n_columns),
      window_us_(window_us) {}

Cause ForestCall::score(RowView row, Deadline deadline, PrefixMargins& staged) {
  if (deadline.has_passed()) return Cause::forest_late;
  if (breaker_->state() != BreakerState::closed) {
    const std::int64_t now_us = steady_us();
    if (!breaker_->admits(now_us)) return prober_.offer(row, {}, now_us), Cause::forest_open;
  }
  const Cause cause = try_score(row, deadline, staged);
  tell_breaker(cause);
  return cause;
}

Cause ForestCall::try_score(RowView row, Deadline deadline, PrefixMargins& staged) const {
  staged.fill(std::numeric_limits<float>::quiet_NaN());  // an output that the stage does not write is not finite
  try {
    if (const Cause cause = stage_->score_one(row, staged, deadline); cause != Cause::none) return cause;
  } catch (...) {
    return Cause::forest_failed;
  }
  return std::isfinite(staged.back()) ? Cause::none : Cause::forest_not_finite;
}

/// Reads no clock while the forest works: successes are recorded only for one window after a failure.
void ForestCall::tell_breaker(Cause cause) {
  if (cause == Cause::forest_shed) return;  // the stage did not run: neither a success nor a failure
  const bool ok = cause == Cause::none;
  if (ok && watched_until_us_.load(std::memory_order_relaxed) == 0) return;
  const std::int64_t now_us = steady_us();
  if (!ok) watched_until_us_.store(now_us + window_us_, std::memory_order_relaxed);
  if (ok && now_us > watched_until_us_.load(std::memory_order_relaxed))
    return watched_until_us_.store(0, std::memory_order_relaxed);
  breaker_->record(ok, 0, now_us);
}

}  // namespace sluice::cascade
