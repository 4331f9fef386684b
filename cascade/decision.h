#pragma once
/// What the engine says of one request. Trivially copyable: making one allocates nothing.

#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "sluice/cascade/bundle.h"
#include "sluice/rules/ruleset.h"

namespace sluice::cascade {

enum class Level : std::uint8_t {
  L0,  // both stages work
  L1,  // the network was wanted and is not there: the forest alone, with cut-offs of its own
  L2,  // the forest is not there: the fallback rules
  L3,  // the rules are not there or undecided: the safe default
};

/// Why a decision left L0.
enum class Cause : std::uint8_t {
  none,
  network_missing,   // the bundle has none
  network_disabled,  // by the policy
  network_late,      // the remaining time was below what it takes, or it ended after the deadline
  network_failed,    // it threw
  network_not_finite,
  late_features_missing,  // nothing gave the late columns
  late_features_late,
  late_features_failed,
  forest_late,
  forest_failed,
  forest_not_finite,
  rules_missing,  // no fallback rule set
  rules_undecided,
  rules_failed,
};

/// A stage that a request took, in the order of the path.
enum class Stage : std::uint8_t { pre_rules, forest, network, fallback_rules, post_rules, safe_default };
inline constexpr std::size_t kStageCount = 6;

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
  Cause cause = Cause::none;        // what first went wrong
  Cause rules_cause = Cause::none;  // why the rules could not take over: L3 alone
  bool in_band = false;
  StageScore forest, network;
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

const char* to_string(Level level);
const char* to_string(Cause cause);  // "network_late"; "" for none
const char* to_string(Stage stage);

}  // namespace sluice::cascade
