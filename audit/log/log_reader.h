#pragma once
/// Reads a log entry by entry, each checked against the chain. Not installed; not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/audit/keys.h"
#include "sluice/audit/log/entry.h"
#include "sluice/audit/log/segment_reader.h"
#include "sluice/audit/verify.h"

namespace sluice::audit {

class LogReader {
 public:
  /// From the segment on that holds entry `from`: the first entry given is that segment's first.
  /// Throws Error{log.none} for a folder without segments.
  explicit LogReader(const std::filesystem::path& folder, std::uint64_t from = 0);

  /// False at the end, or where the log is not what it was: `fault` says which. `entry` is valid until the next call.
  bool next(EntryView& entry);

  const std::optional<Fault>& fault() const { return fault_; }
  /// Throws Error{log.damaged} where there is a fault.
  void require_sound() const;
  /// The header of the log's first segment that is there: entries before its own went by retention. Empty where reading
  /// began further on, and before the segment has been opened.
  const std::optional<SegmentHeader>& first() const { return first_; }
  /// The first entry that tells of their going; empty until it has been given.
  const std::optional<std::uint64_t>& told() const { return told_; }
  /// With the last entry given; empty before the first segment has been opened.
  const std::optional<LogState>& state() const { return state_; }
  std::uint32_t segment() const { return numbers_[at_]; }
  std::uint64_t offset() const { return segment_->offset(); }
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

/// Throws Error{log.retained} where the entry went by retention.
void require_kept(const std::filesystem::path& folder, std::uint64_t index);

/// What an entry's payload says, deciphered where that is needed.
class PayloadReader {
 public:
  explicit PayloadReader(const std::filesystem::path& folder);

  /// nullopt where the key has been erased. Valid until the next call. Throws Error{keys.*}.
  std::optional<std::string_view> read(const EntryView& entry);
  SubjectKeys* keys() { return keys_.get(); }  // null for a log without

 private:
  std::filesystem::path folder_;
  std::unique_ptr<SubjectKeys> keys_;
  Cipher cipher_;
  std::string plain_;
};

}  // namespace sluice::audit
