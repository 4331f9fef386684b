#pragma once
/// One request's way to the network and back: breaker, stage, what it may answer, how long it takes. Not installed.

#include <memory>

#include "sluice/cascade/network_stage.h"
#include "sluice/cascade/resilience/breaker.h"
#include "sluice/cascade/resilience/prober.h"

namespace sluice::cascade {

class NetworkCall {
 public:
  /// Measures the stage on an empty row.
  NetworkCall(std::shared_ptr<const NetworkStage> stage, std::shared_ptr<Breaker> breaker, std::size_t n_columns);

  /// `margin` is finite where the cause is none. Never throws.
  NetworkAnswer ask(RowView row, const PrefixMargins& staged, Deadline deadline, float& margin) const;

  const NetworkStage& stage() const { return *stage_; }
  double p99_us() const { return p99_us_; }  // of one row, as measured at load

 private:
  NetworkAnswer try_ask(RowView row, const PrefixMargins& staged, Deadline deadline, float& margin) const;
  double measure_us(std::size_t n_columns) const;

  std::shared_ptr<const NetworkStage> stage_;
  std::shared_ptr<Breaker> breaker_;
  std::unique_ptr<Prober> prober_;
  double p99_us_;
};

}  // namespace sluice::cascade
