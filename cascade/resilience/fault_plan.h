#pragma once
/// Faults on purpose: the one seam by which tests, `script/bench soak` and an integrator's own drills make stages fail.
///
/// A stage or provider is wrapped; each call of it meets a fault or none, by the plan's seed and the number of the
/// call, so that the same calls in the same order meet the same faults. Thread-safe.

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
  not_finite,   // NaN or an infinity, in turns; of a provider: cells that are infinite
  wrong_shape,  // says that it answered and writes nothing
  stuck,        // does not return until release(), or for stuck_us
  crash,        // the thread that runs it ends: only for an isolated stage (isolate.h), else it throws
  device_lost,  // the answer says that the device failed; of a forest or provider, an exception
};
inline constexpr std::size_t kFaultCount = 8;
const char* to_string(Fault fault);

struct FaultOptions {
  std::array<double, kFaultCount> rates{};  // by Fault: share of calls; that of none is ignored. Together at most 1
  std::int64_t delay_us = 5'000;
  std::int64_t stuck_us = 1'000'000;
  bool may_end_threads = false;  // crash calls pthread_exit
  std::uint64_t seed = 1;
};

class FaultPlan {
 public:
  /// Throws Error{fault.rates}.
  explicit FaultPlan(const FaultOptions& options);

  /// Off: every call meets none. Can be turned while calls run.
  void set_active(bool is_active) { is_active_ = is_active; }
  void release();  // those that are stuck, now and from now on

  /// Of the next call. Counts it.
  Fault next();
  void wait_out(Fault fault) const;  // delay, stuck
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
