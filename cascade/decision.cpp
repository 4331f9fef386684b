#include "sluice/cascade/decision.h"

namespace sluice::cascade {

const char* to_string(Level level) {
  static constexpr const char* kNames[] = {"L0", "L1", "L2", "L3"};
  return kNames[static_cast<std::size_t>(level)];
}

const char* to_string(Cause cause) {
  static constexpr const char* kNames[] = {"",
                                           "network_missing",
                                           "network_disabled",
                                           "network_late",
                                           "network_open",
                                           "network_shed",
                                           "network_failed",
                                           "network_not_finite",
                                           "late_features_missing",
                                           "late_features_late",
                                           "late_features_failed",
                                           "forest_late",
                                           "forest_open",
                                           "forest_shed",
                                           "forest_failed",
                                           "forest_not_finite",
                                           "rules_missing",
                                           "rules_undecided"};
  return kNames[static_cast<std::size_t>(cause)];
}

const char* to_string(Stage stage) {
  static constexpr const char* kNames[] = {"pre_rules",      "forest",     "network",
                                           "fallback_rules", "post_rules", "safe_default"};
  return kNames[static_cast<std::size_t>(stage)];
}

}  // namespace sluice::cascade
