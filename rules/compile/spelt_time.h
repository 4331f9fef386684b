#pragma once
// Times and durations as written in conditions.

#include <optional>
#include <string>
#include <string_view>

namespace sluice::rules {

struct SpeltValue {
  std::optional<double> seconds;  // since 1970 UTC, or of a duration
  std::string fault, hint;        // if `seconds` is absent
};

/// ISO 8601; no zone means UTC. Years 0001 to 9999; a 60th second is rejected.
SpeltValue read_time(std::string_view text);

/// The same, with the time of day and the zone written out: "2024-01-31T00:00:00Z", "2024-01-31T01:00:00+01:00".
SpeltValue read_timestamp(std::string_view text);

/// "36h", "1h30m", "-90s", "1.5h", "250ms": hours, minutes, seconds and milliseconds, as in Go and in CEL; and "30d".
SpeltValue read_duration(std::string_view text);

}  // namespace sluice::rules
