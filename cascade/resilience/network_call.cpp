#include "sluice/cascade/resilience/network_call.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

namespace sluice::cascade {

NetworkCall::NetworkCall(std::shared_ptr<const NetworkStage> stage, std::shared_ptr<Breaker> breaker,
                         std::size_t n_columns)
    : stage_(std::move(stage)), breaker_(std::move(breaker)), p99_us_(measure_us(n_columns)) {
  const auto answers = [stage = stage_](RowView row, const PrefixMargins& forest) {
    float margin = kNoMargin;
    const NetworkAnswer answer = stage->score(RowsView(row), {&forest, 1}, {&margin, 1}, Deadline::none());
    return answer.cause == Cause::none && std::isfinite(margin);
  };
  prober_ = std::make_unique<Prober>(answers, breaker_, n_columns);
}

NetworkAnswer NetworkCall::ask(RowView row, const PrefixMargins& staged, Deadline deadline, float& margin) const {
  const std::int64_t start = steady_us();
  if (!breaker_->admits(start)) {
    prober_->offer(row, staged, start);
    return {Cause::network_open, {}};
  }
  const NetworkAnswer answer = try_ask(row, staged, deadline, margin);
  const std::int64_t end = steady_us();
  // If the queue was full, the stage did not run: neither a success nor a failure.
  if (answer.cause != Cause::network_shed) breaker_->record(answer.cause == Cause::none, end - start, end);
  return answer;
}

NetworkAnswer NetworkCall::try_ask(RowView row, const PrefixMargins& staged, Deadline deadline, float& margin) const {
  margin = kNoMargin;  // an output that the stage does not write is not finite
  NetworkAnswer answer{.cause = Cause::network_failed, .device = {}};
  try {
    answer = stage_->score(RowsView(row), {&staged, 1}, {&margin, 1}, deadline);
  } catch (...) {
  }
  if (answer.cause != Cause::none) return answer;
  if (deadline.has_passed()) return {Cause::network_late, answer.device};
  if (!std::isfinite(margin)) return {Cause::network_not_finite, answer.device};
  return answer;
}

double NetworkCall::measure_us(std::size_t n_columns) const {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kWarmUp = 16, kMin = 20, kMax = 400;
  const auto until = Clock::now() + std::chrono::milliseconds(250);  // fewer calls are enough for a slow stage
  const Table row(n_columns, 1);
  const PrefixMargins staged{};
  std::vector<double> us;
  for (std::size_t call = 0; call < kWarmUp + kMax; ++call) {
    const auto start = Clock::now();
    if (us.size() >= kMin && start > until) break;
    float margin = 0;
    try {
      stage_->score(row.view(), {&staged, 1}, {&margin, 1}, Deadline::none());
    } catch (...) {
    }
    if (call >= kWarmUp) us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(us.begin(), us.end());
  return us[us.size() * 99 / 100];
}

}  // namespace sluice::cascade
