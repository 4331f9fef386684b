#pragma once
/// The flags with which a verb writes a decision log, and the log.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/audit/log.h"
#include "sluice/cli/options.h"

namespace sluice::cli {

struct AuditOptions {
  std::string folder, durability = "interval", key, subject;
  bool encrypt = false;

  void add(Options& options);
  bool is_on() const { return !folder.empty(); }
  /// Opens the log and says on stderr what was recovered. Throws what audit::Log throws.
  std::unique_ptr<audit::Log> open() const;
  /// The same of a log that is there. Throws Error{log.none} where there is none.
  std::unique_ptr<audit::Log> open_existing() const;
};

/// The number of an entry. Throws UsageError naming the flag.
std::uint64_t parse_count(const std::string& text, const char* flag);
/// A time as µs since 1970: ISO 8601 or seconds since 1970. nullopt where it is neither.
std::optional<std::int64_t> parse_time_us(std::string_view text);

/// The system's clock: µs since 1970.
std::int64_t now_us();

/// Throws Error{audit.refused} where the log took less than all of what it was given; closes it.
void close_log(audit::Log& log);

}  // namespace sluice::cli
