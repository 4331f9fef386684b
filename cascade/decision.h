#pragma once
/// What the engine says of one request. Trivially copyable: making one allocates nothing.

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

/// NaN for a stage that was not asked, and for all where EngineOptions::timings is off.
struct TimingsUs {
  static constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  float forest = kNone, network = kNone, total = kNone;
};

struct Decision {
  Action action = Action::none;
  Level level = Level::L0;
  Cause cause = Cause::none;                             // what first went wrong
  Cause rules_cause = Cause::none;                       // why the rules could not take over: L3 alone
  bool in_band = false;                                  // the network was wanted
  float gain = std::numeric_limits<float>::quiet_NaN();  // expected of it; NaN where the band asks for no gain
  StageScore forest, network;
  DeviceName device;  // that ran the network; empty where it did not run
  double p_final = std::numeric_limits<double>::quiet_NaN();
  rules::Outcome pre, fallback, post;
  std::array<bool, kStageCount> path{};        // by Stage: true where it had a part in the action
  std::array<double, kMaxLateColumns> late{};  // what was fetched, in the order of Schema::late_columns
  bool late_fetched = false;
  TimingsUs timings_us;

  void take(Stage stage) { path[static_cast<std::size_t>(stage)] = true; }
  bool took(Stage stage) const { return path[static_cast<std::size_t>(stage)]; }
};
static_assert(std::is_trivially_copyable_v<Decision>);

}  // namespace sluice::cascade
