#pragma once
/// The policy: every threshold and behaviour that a person sets, as JSON (docs/policy.md, docs/policy.schema.json).
///
/// Thread-safety: the functions are pure; values that do not change can be shared between threads.

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

/// The interval of the forest's probability in which rows are forwarded to the network. `low` is inside, `high` only
/// if `closed`; everything else uses contains().
struct Band {
  double low = 0, high = 0;
  bool closed = false;             // `high` is inside too: [0, 1] closed forwards all rows
  std::optional<double> min_gain;  // forward only rows with at least this expected gain (gain_model.h); none: all rows

  bool contains(double p) const { return p >= low && (p < high || (closed && p == high)); }
};

/// "[0.1427, 0.2338)", followed by the minimum expected gain if the band has one.
std::string to_string(const Band& band);

/// Turns a probability into an action: approve if p < approve_below, decline if p >= decline_from, else `otherwise`.
struct Cutoffs {
  double approve_below = 0, decline_from = 1;
  Action otherwise = Action::review;

  Action decide(double p) const {
    return p < approve_below ? Action::approve : p >= decline_from ? Action::decline : otherwise;
  }
};

struct NetworkPolicy {
  bool enabled = true;  // false: rows in the band are decided at L1 with the cause network_disabled
  dnn::DeviceChoice device;
  std::int64_t max_batch = 64;  // for a device that batches requests
  std::int64_t max_delay_us = 200;
  std::int64_t queue_limit = 4096;
};

struct BreakerPolicy {
  std::int64_t window_ms = 1000, min_calls = 50, open_ms = 250;
  double failure_rate = 0.5;
};

/// The limit of concurrent requests, by priority (cascade/resilience/gate.h); 0: no limit.
struct LoadPolicy {
  std::int64_t max_in_flight = 0;      // beyond it a request is decided at L2 with the cause forest_shed
  std::int64_t network_in_flight = 0;  // beyond it a request is decided at L1 with the cause network_shed
  double normal_share = 0.9, low_share = 0.6, resume_share = 0.8;
};

/// Dedicated threads of each stage (cascade/resilience/isolate.h); 0: a stage runs on its caller's thread.
struct IsolationPolicy {
  std::int64_t forest_threads = 0, network_threads = 0;
  std::int64_t queue_limit = 64;
  std::int64_t max_wait_us = 100'000;
};

struct Policy {
  std::int64_t version = 1;
  std::optional<Band> band;        // none: never forward
  Cutoffs level0;                  // both stages work
  Cutoffs level1;                  // a forwarded row without the network's answer: the forest alone decides
  Action level3 = Action::review;  // neither models nor rules could decide; never approve
  std::int64_t deadline_us = 0;    // for requests without a deadline; 0: none
  NetworkPolicy network;
  BreakerPolicy breaker;  // for each stage
  LoadPolicy load;
  IsolationPolicy isolation;

  /// Whether the band has a min_gain.
  bool asks_gain() const { return band && band->min_gain; }

  std::string to_json() const;
};

struct PolicyCheck {
  std::optional<Policy> policy;  // empty if there are errors
  std::vector<Diagnostic> diagnostics;
};

/// Checks the whole document and reports all faults, each with its JSON pointer; unknown keys with the nearest known
/// key. Does not throw.
PolicyCheck check_policy(std::string_view json, std::string_view source);

/// The same, but throws Error{policy.*} with every fault.
Policy parse_policy(std::string_view json, std::string_view source);

}  // namespace sluice::cascade
