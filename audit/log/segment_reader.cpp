#include "sluice/audit/log/segment_reader.h"

#include <algorithm>

namespace sluice::audit {
namespace {

constexpr std::size_t kChunk = 1 << 17;

}  // namespace

SegmentReader::SegmentReader(const std::filesystem::path& path) : file_(PosixFile::open_to_read(path)) {
  fill(kFixedHeaderBytes);
  fill(segment_header_bytes(~std::uint64_t{0}));
  header_ = parse_segment_header(buffer_);
  at_ = segment_header_bytes(header_.first_index);
  offset_ = at_;
}

/// Reads on until the buffer has `wanted` bytes from `at_` on; false if the file ends before.
bool SegmentReader::fill(std::size_t wanted) {
  if (buffer_.size() - at_ >= wanted) return true;
  buffer_.erase(0, std::exchange(at_, 0));
  while (buffer_.size() < wanted) {
    const std::size_t before = buffer_.size();
    buffer_.resize(before + std::max(kChunk, wanted - before));
    const std::size_t n = file_.read_at(buffer_.data() + before, buffer_.size() - before, read_);
    buffer_.resize(before + n);
    read_ += n;
    if (n == 0) return false;
  }
  return true;
}

SegmentReader::Next SegmentReader::next(EntryView& entry) {
  at_ += entry_bytes_;
  offset_ += std::exchange(entry_bytes_, 0);
  if (!fill(sizeof(EntryHeader))) return buffer_.size() == at_ ? Next::end : Next::broken;
  std::memcpy(&entry.header, buffer_.data() + at_, sizeof(EntryHeader));
  const std::size_t length = entry.header.length;
  if (length < sizeof(EntryHeader) + kHashBytes || length > kMaxEntryBytes || !fill(length)) return Next::broken;
  if (entry.header.kind == EntryKind::mark) return Next::broken;  // a mark that follows no entry
  fill(length + kMarkBytes);                                      // less at the end of the file
  const std::string_view bytes = std::string_view(buffer_).substr(at_, length);
  entry.mark = mark_at(at_ + length);
  entry.hashed = bytes.substr(0, length - kHashBytes);
  entry.payload = entry.hashed.substr(sizeof(EntryHeader));
  std::memcpy(entry.chain.bytes.data(), bytes.data() + entry.hashed.size(), kHashBytes);
  entry_bytes_ = length + entry.mark.size();
  return Next::entry;
}

/// The whole mark that begins there, empty if there is none.
std::string_view SegmentReader::mark_at(std::size_t at) const {
  if (buffer_.size() - at < kMarkBytes) return {};
  EntryHeader header;
  std::memcpy(&header, buffer_.data() + at, sizeof header);
  if (header.kind != EntryKind::mark || header.length != kMarkBytes) return {};
  return std::string_view(buffer_).substr(at, kMarkBytes);
}

}  // namespace sluice::audit
