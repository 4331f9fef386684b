#pragma once
/// Tries a stage whose breaker is half-open on copies of requests. Probes run on a dedicated thread, so that no request
/// waits for them. Not installed.
///
/// Thread-safety: all calls are thread-safe.

#include <functional>
#include <memory>

#include "sluice/base/batch.h"
#include "sluice/cascade/network_stage.h"
#include "sluice/cascade/resilience/breaker.h"

namespace sluice::cascade {

class Prober {
 public:
  /// Whether the stage answers this request correctly. If it throws, the probe has failed.
  using Probe = std::function<bool(RowView row, const PrefixMargins& forest)>;

  Prober(Probe probe, std::shared_ptr<Breaker> breaker, std::size_t n_columns);
  /// Does not wait for a running probe: the thread ends after it.
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Copies the request if the breaker wants a probe and the thread is free; otherwise does nothing. The first copy
  /// starts the thread; if that fails, the probe has failed.
  void offer(RowView row, const PrefixMargins& forest, std::int64_t now_us);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The time for breakers, in microseconds of the steady clock.
std::int64_t steady_us();

}  // namespace sluice::cascade
