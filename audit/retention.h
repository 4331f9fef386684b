#pragma once
/// Retention: leading segments whose entries are all older than a day chosen are deleted, and the log says so first.
///
/// What is left still verifies: the first segment that stays holds the chain hash and the tree's peaks before it, and
/// signed checkpoints cover it together with the entry that tells of the retention (docs/log_format.md, "Retention").

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit {

inline constexpr std::uint32_t kRetentionVersion = 1;

/// The payload of an entry of its kind: entries `first` to `kept` - 1 went.
struct Retention {
  std::uint64_t first = 0, kept = 0;
  std::int64_t before_us = 0;  // since 1970: all of their times are earlier
  std::string who;
};

/// Appends the canonical bytes. Throws Error{retention.who} where nobody is named, and Error{record.text}.
void encode(std::string& out, const Retention& retention);
/// Throws Error{record.*} for bytes that `encode` cannot have written.
Retention decode_retention(std::string_view bytes);
/// {"first": …, "kept": …, "before_us": …, "by": …}
void append_json(std::string& out, const Retention& retention);

struct RetentionPlan {
  Retention retention;
  std::vector<std::uint32_t> segments;  // to be deleted; none where nothing is that old
};

/// Which segments can go: leading ones all of whose entries are older, never the last. They are read and held against
/// the chain and the checkpoints, so that nothing goes that could not be vouched for: throws Error{log.*, file.read}.
/// Another thread or process may write the log meanwhile.
RetentionPlan plan_retention(const std::filesystem::path& folder, std::int64_t before_us, std::string who);

}  // namespace sluice::audit
