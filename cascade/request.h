#pragma once
/// A request to the engine, and the source of late columns.
///
/// Thread-safety: a request is a plain value; a FeatureProvider must be thread-safe.

#include <cstdint>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/cascade/deadline.h"

namespace sluice::cascade {

/// Provides late columns. Called only for requests in the band. Must be thread-safe.
class FeatureProvider {
 public:
  enum class Result { ok, missing, late, failed };

  virtual ~FeatureProvider() = default;
  /// Fills `late`, one cell per Schema::late_columns (NaN if missing), within the remaining time. Any other result than
  /// ok, and any exception, leads to L1 with the cause late_features_*.
  virtual Result fetch(RowView row, std::span<double> late, Deadline remaining) const = 0;
};

/// Which requests are admitted first under load (resilience/gate.h).
enum class Priority : std::uint8_t { high, normal, low };
inline constexpr std::size_t kPriorityCount = 3;

struct Request {
  RowView row;                                // raw, in schema order
  Deadline deadline = Deadline::none();       // none: the policy's deadline_us
  const FeatureProvider* provider = nullptr;  // null: late columns come from the row
  std::int64_t now_us = 0;  // since 1970 UTC, read by rules as `now`; 0: missing. A record stores it as time_in_us
  Priority priority = Priority::normal;
};

}  // namespace sluice::cascade
