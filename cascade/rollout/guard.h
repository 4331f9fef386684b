#pragma once
/// Checks whether a version that has just gone live behaves as its predecessor does on the same requests.
///
/// Thread-safety: all calls are thread-safe.

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "sluice/cascade/ledger.h"
#include "sluice/cascade/rollout/shadow.h"

namespace sluice::cascade {

/// Rates and times are compared over requests that both versions decide: one in `shadow_every` of the served ones. The
/// predecessor's answers have no effect.
struct GuardOptions {
  std::int64_t window_ms = 60'000;  // after a change; 0: no guard
  std::uint32_t shadow_every = 16;
  std::uint64_t min_pairs = 200;    // requests before a verdict
  double max_degraded_rise = 0.02;  // rise of the share decided below L0: failures and late answers
  double max_late_rise = 0.01;      // rise of the share whose network, forest or late columns were late
  double max_action_shift = 0.10;   // half the sum of the differences between the shares of the actions
  double max_slowdown = 3;          // ratio of the median times of a decision
};

class Guard {
 public:
  explicit Guard(const GuardOptions& options) : options_(options) {}

  void add(const ShadowPair& pair);
  /// A text with the figures of the first limit that the new version exceeds; empty if it exceeds none.
  std::string verdict() const;
  std::uint64_t n_pairs() const;

 private:
  struct Side {
    std::array<std::uint64_t, kActionCount> actions{};
    std::uint64_t n_degraded = 0, n_late = 0;
    std::array<std::uint64_t, 128> us{};  // histogram of times, four bins per doubling

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
