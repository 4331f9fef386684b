#pragma once
/// Calls the network stage for one request: breaker, stage, check of the answer, measured time. Not installed.
///
/// Thread-safety: const calls are thread-safe.

#include <memory>

#include "sluice/cascade/network_stage.h"
#include "sluice/cascade/resilience/breaker.h"
#include "sluice/cascade/resilience/prober.h"

namespace sluice::cascade {

class NetworkCall {
 public:
  /// Measures the stage's time on an empty row.
  NetworkCall(std::shared_ptr<const NetworkStage> stage, std::shared_ptr<Breaker> breaker, std::size_t n_columns);

  /// `margin` is finite if the cause is none. Never throws.
  NetworkAnswer ask(RowView row, const PrefixMargins& staged, Deadline deadline, float& margin) const;

  const NetworkStage& stage() const { return *stage_; }
  double p99_us() const { return p99_us_; }  // 99th percentile of the time of one row, measured at load

 private:
  NetworkAnswer try_ask(RowView row, const PrefixMargins& staged, Deadline deadline, float& margin) const;
  double measure_us(std::size_t n_columns) const;

  std::shared_ptr<const NetworkStage> stage_;
  std::shared_ptr<Breaker> breaker_;
  std::unique_ptr<Prober> prober_;
  double p99_us_;
};

}  // namespace sluice::cascade
