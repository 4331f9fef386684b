#pragma once
/// What the engine's files share. Not installed.

#include <chrono>
#include <cstdint>
#include <limits>

#include "sluice/cascade/engine.h"

namespace sluice::cascade {

struct Engine::Gates {
  explicit Gates(const LoadPolicy& policy);
  Gate decisions, network;
};

/// Sets `us` to the time of its life, where timings are on.
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

inline void record_route(const Forwarding& forwarding, Decision& d) {
  d.in_band = forwarding.is_wanted;
  d.gain = forwarding.gain;
}

/// What rules read as `now`; 0 is no time.
inline double seconds_of(std::int64_t now_us) {
  return now_us == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(now_us) / 1e6;
}

}  // namespace sluice::cascade
