#pragma once
/// Retention: deletes leading segments whose entries are all older than a given time, after recording this in the log.
///
/// The rest of the log still verifies: the first segment that is kept contains the chain hash and the tree's peaks
/// before it, and signed checkpoints cover it and the retention entry (docs/log_format.md, "Retention").
/// Thread-safety: the functions are thread-safe; other threads and processes may write the log during
/// `plan_retention`.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit {

inline constexpr std::uint32_t kRetentionVersion = 1;

/// The payload of a retention entry: entries `first` to `kept` - 1 were deleted.
struct Retention {
  std::uint64_t first = 0, kept = 0;
  std::int64_t before_us = 0;  // since 1970; all deleted entries are earlier
  std::string who;             // ordered it; not empty
};

/// Appends the canonical bytes. Throws Error{retention.who} if `who` is empty, and Error{record.text} if it is longer
/// than 65,535 bytes.
void encode(std::string& out, const Retention& retention);
/// Throws Error{record.*} for bytes that `encode` cannot have written.
Retention decode_retention(std::string_view bytes);
/// {"first": …, "kept": …, "before_us": …, "by": …}
void append_json(std::string& out, const Retention& retention);

struct RetentionPlan {
  Retention retention;
  std::vector<std::uint32_t> segments;  // numbers of those to delete; empty if none is that old
};

/// Which segments can be deleted: leading ones whose entries are all older than `before_us`, never the last. Reads them
/// and checks them against the chain and the checkpoints, so that only verified entries are deleted. Throws
/// Error{log.*, file.read}.
RetentionPlan plan_retention(const std::filesystem::path& folder, std::int64_t before_us, std::string who);

}  // namespace sluice::audit
