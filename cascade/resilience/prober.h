#pragma once
/// Tries a stage that a breaker keeps requests from: on copies of requests, by a thread of its own, so that no answer
/// waits for it. Not installed.

#include <functional>
#include <memory>

#include "sluice/base/batch.h"
#include "sluice/cascade/network_stage.h"
#include "sluice/cascade/resilience/breaker.h"

namespace sluice::cascade {

class Prober {
 public:
  /// Whether the stage answers this request as it should. May throw, which is no.
  using Probe = std::function<bool(RowView row, const PrefixMargins& forest)>;

  Prober(Probe probe, std::shared_ptr<Breaker> breaker, std::size_t n_columns);
  /// A probe that is on its way is not waited for: its thread ends with it.
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Copies the request where the breaker wants a probe and the thread is free; otherwise does nothing. The thread is
  /// started by the first. Where that fails, the probe counts as a failed one.
  void offer(RowView row, const PrefixMargins& forest, std::int64_t now_us);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Microseconds of the steady clock: what breakers are told.
std::int64_t steady_us();

}  // namespace sluice::cascade
