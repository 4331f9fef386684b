#pragma once
/// Levels, causes and stages: how a decision was made. Their names are in records and reports.
///
/// Thread-safety: the functions are pure.

#include <cstddef>
#include <cstdint>

namespace sluice::cascade {

enum class Level : std::uint8_t {
  L0,  // both stages work
  L1,  // the row is in the band but the network gave no answer: the forest alone, with L1's cut-offs
  L2,  // the forest gave no answer: the fallback rules
  L3,  // no rules, or they are undecided: the safe default
};

/// Why a decision left L0.
enum class Cause : std::uint8_t {
  none,
  network_missing,   // the bundle has no network
  network_disabled,  // by the policy
  network_late,      // the time left was shorter than the network's 99th percentile, or it answered after the deadline
  network_open,      // its breaker is not closed
  network_shed,      // the gate, the device's queue or the stage's threads were full
  network_failed,    // it threw, or its device failed
  network_not_finite,
  late_features_missing,  // neither the provider nor the row has the late columns
  late_features_late,
  late_features_failed,
  forest_late,
  forest_open,  // its breaker is not closed
  forest_shed,  // the gate was full for this priority, or the stage's threads were
  forest_failed,
  forest_not_finite,
  rules_missing,  // the bundle has no fallback rules
  rules_undecided,
};

/// Stages of a decision, in the order of the path.
enum class Stage : std::uint8_t { pre_rules, forest, network, fallback_rules, post_rules, safe_default };
inline constexpr std::size_t kStageCount = 6;

const char* to_string(Level level);
const char* to_string(Cause cause);  // "network_late"; "" for none
const char* to_string(Stage stage);

}  // namespace sluice::cascade
