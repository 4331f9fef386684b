#pragma once
/// Reads a segment from its beginning, 128 KiB at a time. Does not check the entries' hashes. Not installed; not
/// thread-safe.

#include <cstdint>
#include <filesystem>
#include <string>

#include "sluice/audit/log/entry.h"
#include "sluice/audit/log/posix_file.h"

namespace sluice::audit {

class SegmentReader {
 public:
  /// Throws Error{file.read, log.segment}.
  explicit SegmentReader(const std::filesystem::path& path);

  const SegmentHeader& header() const { return header_; }

  enum class Next { entry, end, broken };
  /// `entry` is valid until the next call. `broken`: the bytes at `offset` are not a whole entry.
  Next next(EntryView& entry);

  std::uint64_t offset() const { return offset_; }  // of the entry that `next` returned or found broken, or of the end

 private:
  bool fill(std::size_t wanted);
  std::string_view mark_at(std::size_t at) const;

  PosixFile file_;
  SegmentHeader header_;
  std::string buffer_;
  std::size_t at_ = 0;        // in the buffer
  std::uint64_t read_ = 0;    // bytes read from the file
  std::uint64_t offset_ = 0;  // in the file
  std::size_t entry_bytes_ = 0;
};

}  // namespace sluice::audit
