#pragma once
/// The words in which a decision says how it was made. They stand in records and reports.

#include <cstddef>
#include <cstdint>

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
  network_open,      // its breaker keeps requests from it
  network_shed,      // the queue for its device was full
  network_failed,    // it threw, or its device failed
  network_not_finite,
  late_features_missing,  // nothing gave the late columns
  late_features_late,
  late_features_failed,
  forest_late,
  forest_open,  // its breaker keeps requests from it
  forest_shed,  // more requests under way than the policy allows this priority, or its threads had no room
  forest_failed,
  forest_not_finite,
  rules_missing,  // no fallback rule set
  rules_undecided,
};

/// A stage that a request took, in the order of the path.
enum class Stage : std::uint8_t { pre_rules, forest, network, fallback_rules, post_rules, safe_default };
inline constexpr std::size_t kStageCount = 6;

const char* to_string(Level level);
const char* to_string(Cause cause);  // "network_late"; "" for none
const char* to_string(Stage stage);

}  // namespace sluice::cascade
