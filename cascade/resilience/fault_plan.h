#pragma once
/// Injected faults: wrappers with which tests, `script/bench soak` and an integrator's drills make stages fail.
///
/// Each call of a wrapped stage or provider has a fault or none, chosen by the plan's seed and the number of the call:
/// the same calls in the same order have the same faults.
/// Thread-safety: all calls are thread-safe.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sluice/cascade/forest_stage.h"
#include "sluice/cascade/request.h"

namespace sluice::cascade {

enum class Fault : std::uint8_t {
  none,
  delay,        // answers after delay_us
  throws,       // an exception
  not_finite,   // writes NaN or an infinity, in turns
  wrong_shape,  // reports success and writes nothing
  stuck,        // does not return until release(), at most for stuck_us
  crash,        // ends its thread if may_end_threads (only for isolated stages, isolate.h); throws otherwise
  device_lost,  // reports that the device failed; a forest or provider throws
};
inline constexpr std::size_t kFaultCount = 8;
const char* to_string(Fault fault);

struct FaultOptions {
  std::array<double, kFaultCount> rates{};  // by Fault: share of calls, at most 1 in total; that of `none` is ignored
  std::int64_t delay_us = 5'000;
  std::int64_t stuck_us = 1'000'000;
  bool may_end_threads = false;  // crash calls pthread_exit
  std::uint64_t seed = 1;
};

class FaultPlan {
 public:
  /// Throws Error{fault.rates} if a rate is negative or NaN, or if the rates add up to more than 1.
  explicit FaultPlan(const FaultOptions& options);

  /// While off, no call has a fault. Can be switched while calls run.
  void set_active(bool is_active) { is_active_ = is_active; }
  void release();  // ends `stuck`, for running and for later calls

  /// The fault of the next call; counts the call.
  Fault next();
  void wait_out(Fault fault) const;  // waits for delay and stuck; returns at once for other faults
  const FaultOptions& options() const { return options_; }
  std::uint64_t count(Fault fault) const { return counts_[static_cast<std::size_t>(fault)]; }

 private:
  FaultOptions options_;
  std::atomic<bool> is_active_ = true, is_released_ = false;
  std::atomic<std::uint64_t> n_calls_ = 0;
  std::array<std::atomic<std::uint64_t>, kFaultCount> counts_{};
};

std::unique_ptr<ForestStage> with_faults(std::shared_ptr<const ForestStage> stage, std::shared_ptr<FaultPlan> plan);
std::unique_ptr<NetworkStage> with_faults(std::shared_ptr<const NetworkStage> stage, std::shared_ptr<FaultPlan> plan);
std::unique_ptr<FeatureProvider> with_faults(std::shared_ptr<const FeatureProvider> provider,
                                             std::shared_ptr<FaultPlan> plan);

}  // namespace sluice::cascade
