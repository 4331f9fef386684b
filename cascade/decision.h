#pragma once
/// The engine's decision for one request. Trivially copyable: making one allocates nothing.
///
/// Thread-safety: plain values; one that does not change can be shared between threads.

#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "sluice/base/schema.h"
#include "sluice/bundle/policy.h"
#include "sluice/cascade/level.h"
#include "sluice/cascade/network_stage.h"
#include "sluice/rules/ruleset.h"

namespace sluice::cascade {

struct StageScore {
  float margin = std::numeric_limits<float>::quiet_NaN();  // log-odds
  double p = std::numeric_limits<double>::quiet_NaN();     // calibrated
  bool ran = false;
};

/// Microseconds. NaN for a stage that was not called, and for all if EngineOptions::timings is off.
struct TimingsUs {
  static constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  float forest = kNone, network = kNone, total = kNone;
};

struct Decision {
  Action action = Action::none;
  Level level = Level::L0;
  Cause cause = Cause::none;                             // the first failure
  Cause rules_cause = Cause::none;                       // why the rules did not decide after `cause`; only at L3
  bool in_band = false;                                  // the row is in the band and reaches its min_gain
  float gain = std::numeric_limits<float>::quiet_NaN();  // expected gain; NaN if the band has no min_gain
  StageScore forest, network;
  DeviceName device;  // ran the network; empty if the network did not run
  double p_final = std::numeric_limits<double>::quiet_NaN();
  rules::Outcome pre, fallback, post;
  std::array<bool, kStageCount> path{};        // by Stage: true if it had a part in the action
  std::array<double, kMaxLateColumns> late{};  // fetched cells, in the order of Schema::late_columns
  bool late_fetched = false;
  TimingsUs timings_us;

  void take(Stage stage) { path[static_cast<std::size_t>(stage)] = true; }
  bool took(Stage stage) const { return path[static_cast<std::size_t>(stage)]; }
};
static_assert(std::is_trivially_copyable_v<Decision>);

}  // namespace sluice::cascade
