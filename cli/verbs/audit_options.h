#pragma once
/// The flags of verbs that write a decision log, and the log that they open.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/audit/log.h"
#include "sluice/cli/options.h"

namespace sluice::cli {

struct AuditOptions {
  std::string folder, durability = "interval", key, signer, subject;
  std::string adopt_by, adopt_why;  // LogOptions
  std::uint64_t segment_bytes = audit::LogOptions().segment_bytes;
  bool encrypt = false;

  void add(Options& options);
  /// Only the flags that choose what signs checkpoints.
  void add_signer(Options& options);
  bool is_on() const { return !folder.empty(); }
  /// Opens the log, creating it if absent, and reports on stderr what was recovered. Throws what audit::Log throws, and
  /// UsageError for `encrypt` without `subject`.
  std::unique_ptr<audit::Log> open() const;
  /// Opens an existing log. Throws Error{log.none} if the folder has none.
  std::unique_ptr<audit::Log> open_existing() const;
};

/// Parses an entry number. Throws UsageError naming the flag.
std::uint64_t parse_count(const std::string& text, const char* flag);
/// Parses ISO 8601 or seconds since 1970. Returns µs since 1970; nullopt if the text is neither or out of range.
std::optional<std::int64_t> parse_time_us(std::string_view text);

/// The system clock, in µs since 1970.
std::int64_t now_us();

/// Closes the log. Throws Error{audit.refused} if it did not store every record.
void close_log(audit::Log& log);

}  // namespace sluice::cli
