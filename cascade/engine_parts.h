#pragma once
/// Shared by the engine's source files. Not installed.

#include <chrono>
#include <cstdint>
#include <limits>

#include "sluice/cascade/engine.h"
#include "sluice/cascade/routing.h"

namespace sluice::cascade {

struct Engine::Gates {
  explicit Gates(const LoadPolicy& policy);
  Gate decisions, network;
};

/// Sets `us` to the microseconds between its construction and destruction, if `on`.
class Stopwatch {
 public:
  Stopwatch(bool on, float& us) : us_(on ? &us : nullptr) {
    if (us_) start_ = Clock::now();
  }
  ~Stopwatch() {
    if (us_) *us_ = std::chrono::duration<float, std::micro>(Clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  float* us_;
  Clock::time_point start_;
};

inline void degrade_to(Level level, Cause cause, Decision& d) {
  d.level = level;
  if (d.cause == Cause::none) d.cause = cause;
}

inline void record_route(const Route& route, Decision& d) {
  d.in_band = route.is_forwarded;
  d.gain = route.gain;
}

/// The outputs that rules can read: before the models, and after them.
inline rules::ModelOutputs known(double now) { return {.now = now}; }
inline rules::ModelOutputs known(const Decision& d, double now) {
  return {d.forest.p, d.network.p, d.p_final, d.forest.margin, d.network.margin, now};
}

/// The value that rules read as `now`, in seconds since 1970 UTC; NaN (missing) for 0.
inline double seconds_of(std::int64_t now_us) {
  return now_us == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(now_us) / 1e6;
}

}  // namespace sluice::cascade
