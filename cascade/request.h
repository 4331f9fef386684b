#pragma once
/// What a caller asks of the engine, and where late columns come from.

#include <cstdint>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/cascade/deadline.h"

namespace sluice::cascade {

/// Where late columns come from: asked only for requests inside the band. Must be thread-safe.
class FeatureProvider {
 public:
  enum class Result { ok, missing, late, failed };

  virtual ~FeatureProvider() = default;
  /// Fills `late`, one cell for each of Schema::late_columns (NaN for a missing one), within the remaining time.
  /// Anything but ok, and any exception, means L1 with that cause.
  virtual Result fetch(RowView row, std::span<double> late, Deadline remaining) const = 0;
};

/// How dear a request is when there is too much to do (gate.h).
enum class Priority : std::uint8_t { high, normal, low };
inline constexpr std::size_t kPriorityCount = 3;

struct Request {
  RowView row;                                // raw, in schema order
  Deadline deadline = Deadline::none();       // none: the policy's
  const FeatureProvider* provider = nullptr;  // null: late columns come from the row
  std::int64_t now_us = 0;  // since 1970 UTC, what rules read as `now`; 0: missing. A record stores it as time_in_us
  Priority priority = Priority::normal;
};

}  // namespace sluice::cascade
