#pragma once
/// The policy: every threshold and behaviour that a person sets, as JSON (docs/policy.md, docs/policy.schema.json).
///
/// A plain immutable value; safe to share between threads.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/diagnostic.h"
#include "sluice/dnn/executor.h"
#include "sluice/rules/action.h"

namespace sluice::cascade {

using rules::Action;

/// The interval of forest probability that is forwarded to the network. This is the one place that says how it closes:
/// `low` is inside, `high` is not, unless `closed`.
struct Band {
  double low = 0, high = 0;
  bool closed = false;             // `high` is inside too: [0, 1] closed forwards everything
  std::optional<double> min_gain;  // inside, only rows with such an expected gain (gain_model.h); none: all of them

  bool contains(double p) const { return p >= low && (p < high || (closed && p == high)); }
  /// `gain` counts where min_gain is set; NaN is no gain.
  bool takes(double p, float gain) const {
    return contains(p) && (!min_gain || static_cast<double>(gain) >= *min_gain);
  }
};

/// "[0.1427, 0.2338)", and from which expected gain on where it asks for one.
std::string to_string(const Band& band);

/// Probability to action: below `approve_below` approve, from `decline_from` on decline, between them `otherwise`.
struct Cutoffs {
  double approve_below = 0, decline_from = 1;
  Action otherwise = Action::review;

  Action decide(double p) const {
    return p < approve_below ? Action::approve : p >= decline_from ? Action::decline : otherwise;
  }
};

struct NetworkPolicy {
  bool enabled = true;  // false: L1 with the cause network_disabled inside the band
  dnn::DeviceChoice device;
  std::int64_t max_batch = 64;  // for a device that batches requests
  std::int64_t max_delay_us = 200;
  std::int64_t queue_limit = 4096;
};

struct BreakerPolicy {
  std::int64_t window_ms = 1000, min_calls = 50, open_ms = 250;
  double failure_rate = 0.5;
};

/// How many requests may be under way at once, by priority (gate.h); 0: no limit.
struct LoadPolicy {
  std::int64_t max_in_flight = 0;      // beyond it L2, with the cause forest_shed
  std::int64_t network_in_flight = 0;  // beyond it L1, with the cause network_shed
  double normal_share = 0.9, low_share = 0.6, resume_share = 0.8;
};

/// Threads of the stages' own (isolate.h); 0: a stage runs on its caller's thread.
struct IsolationPolicy {
  std::int64_t forest_threads = 0, network_threads = 0;
  std::int64_t queue_limit = 64;
  std::int64_t max_wait_us = 100'000;
};

struct Policy {
  std::int64_t version = 1;
  std::optional<Band> band;        // none: never forward
  Cutoffs level0;                  // both stages work
  Cutoffs level1;                  // the network was wanted and is not there: the forest alone
  Action level3 = Action::review;  // nothing could decide. Never approve
  std::int64_t deadline_us = 0;    // of a decision that brings none of its own; 0 is none
  NetworkPolicy network;
  BreakerPolicy breaker;  // of either stage
  LoadPolicy load;
  IsolationPolicy isolation;

  /// Whether the band asks for an expected gain.
  bool asks_gain() const { return band && band->min_gain; }

  std::string to_json() const;
};

struct PolicyCheck {
  std::optional<Policy> policy;  // empty where there are errors
  std::vector<Diagnostic> diagnostics;
};

/// Checks the whole document: every fault at once, with its pointer; unknown keys with the nearest known one.
PolicyCheck check_policy(std::string_view json, std::string_view source);

/// Throws Error{policy.*} with every fault.
Policy parse_policy(std::string_view json, std::string_view source);

}  // namespace sluice::cascade
