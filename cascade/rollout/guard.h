#pragma once
/// Whether a version that has just gone live does as its predecessor does on the same requests.

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "sluice/cascade/ledger.h"
#include "sluice/cascade/rollout/shadow.h"

namespace sluice::cascade {

/// Compared over requests that both versions decided: one in `shadow_every` of those served, the predecessor's answer
/// acting on nothing.
struct GuardOptions {
  std::int64_t window_ms = 60'000;  // after a change; 0: no guard
  std::uint32_t shadow_every = 16;
  std::uint64_t min_pairs = 200;    // before anything is concluded
  double max_degraded_rise = 0.02;  // of the share decided below L0: what fails, and what is late
  double max_late_rise = 0.01;      // of the share whose network or forest was late
  double max_action_shift = 0.10;   // half the sum of differences between the shares of the three actions
  double max_slowdown = 3;          // of the median time of a decision
};

/// Thread-safe.
class Guard {
 public:
  explicit Guard(const GuardOptions& options) : options_(options) {}

  void add(const ShadowPair& pair);
  /// What is wrong with the new version, in words with the figures; empty while nothing is.
  std::string verdict() const;
  std::uint64_t n_pairs() const;

 private:
  struct Side {
    std::array<std::uint64_t, kActionCount> actions{};
    std::uint64_t n_degraded = 0, n_late = 0;
    std::array<std::uint64_t, 128> us{};  // counts of times, four to a doubling

    void add(const Decision& decision, float took_us);
    double median_us() const;
  };
  double share(std::uint64_t n) const { return static_cast<double>(n) / static_cast<double>(n_); }

  GuardOptions options_;
  mutable std::mutex mutex_;
  Side now_, before_;
  std::uint64_t n_ = 0;
};

}  // namespace sluice::cascade
