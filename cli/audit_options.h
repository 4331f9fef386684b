#pragma once
/// The flags with which a verb writes a decision log, and the log.

#include <memory>
#include <string>

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
};

/// The system's clock: µs since 1970.
std::int64_t now_us();

/// Throws Error{audit.refused} where the log took less than all of what it was given; closes it.
void close_log(audit::Log& log);

}  // namespace sluice::cli
