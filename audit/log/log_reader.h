#pragma once
/// Reads a log entry by entry and checks each against the chain. Not installed; not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sluice/audit/keys.h"
#include "sluice/audit/log/entry.h"
#include "sluice/audit/log/segment_reader.h"
#include "sluice/audit/verify.h"

namespace sluice::audit {

class LogReader {
 public:
  /// Reads from the segment that contains entry `from`, beginning with that segment's first entry. Throws
  /// Error{log.none} for a folder without segments.
  explicit LogReader(const std::filesystem::path& folder, std::uint64_t from = 0);

  /// False at the end of the log and at a fault; `fault` distinguishes them. `entry` is valid until the next call.
  bool next(EntryView& entry);

  const std::optional<Fault>& fault() const { return fault_; }
  /// Throws Error{log.damaged} if there is a fault.
  void require_sound() const;
  /// The header of the log's first segment; retention deleted the entries before it. Empty if reading began at a later
  /// segment, and before the segment is opened.
  const std::optional<SegmentHeader>& first() const { return first_; }
  /// Index of the first retention entry that covers the deleted entries; empty until it has been read.
  const std::optional<std::uint64_t>& told() const { return told_; }
  /// The state after the last entry read; empty before the first segment is opened.
  const std::optional<LogState>& state() const { return state_; }
  std::uint32_t segment() const { return numbers_[at_]; }
  std::uint64_t offset() const { return segment_->offset(); }
  bool is_last() const { return at_ + 1 == numbers_.size(); }  // whether `segment` is the last
  std::size_t n_segments() const { return numbers_.size(); }

 private:
  bool open();
  bool fail(std::string code, std::string message);
  bool note_retention(const EntryView& entry);
  bool finish();

  std::filesystem::path folder_;
  std::vector<std::uint32_t> numbers_;
  std::size_t at_ = 0;
  std::unique_ptr<SegmentReader> segment_;
  std::optional<LogState> state_;
  std::optional<SegmentHeader> first_;
  std::optional<std::uint64_t> told_;
  std::optional<Fault> fault_;
};

/// Throws Error{log.retained} if retention deleted the entry.
void require_kept(const std::filesystem::path& folder, std::uint64_t index);

/// The numbers of the keys that the log's entries from `from` on erase, up to a fault.
std::vector<std::uint64_t> erasures_since(const std::filesystem::path& folder, std::uint64_t from);

/// Whether the log's first decision is encrypted; false if it has none.
bool has_encrypted_entries(const std::filesystem::path& folder);

/// Returns entries' payloads, decrypted if they are encrypted.
class PayloadReader {
 public:
  /// Throws Error{keys.*} if keys.db cannot be opened or was made for another log.
  explicit PayloadReader(const std::filesystem::path& folder);

  /// nullopt if the key was erased. Valid until the next call. Throws Error{keys.*}.
  std::optional<std::string_view> read(const EntryView& entry);
  SubjectKeys* keys() { return keys_.get(); }  // null for a log without keys

 private:
  std::filesystem::path folder_;
  std::unique_ptr<SubjectKeys> keys_;
  std::set<std::uint64_t> erased_;  // that keys.db may still have, because it is an old copy
  Cipher cipher_;
  std::string plain_;
};

}  // namespace sluice::audit
