#include "sluice/audit/log_reader.h"

#include <utility>

#include "sluice/base/error.h"

namespace sluice::audit {

LogReader::LogReader(const std::filesystem::path& folder, std::uint64_t from) : folder_(folder) {
  if (!std::filesystem::is_directory(folder)) throw Error("log.none", folder.string() + ": there is no such folder");
  numbers_ = segment_numbers(folder);
  if (numbers_.empty()) throw Error("log.none", folder.string() + ": there is no log in this folder");
  if (from > 0)
    while (at_ + 1 < numbers_.size() &&
           SegmentReader(segment_path(folder, numbers_[at_ + 1])).header().first_index <= from)
      ++at_;
}

bool LogReader::fail(std::string code, std::string message) {
  const std::uint64_t index = state_ ? state_->size() : 0;
  fault_ = Fault{segment_path(folder_, numbers_[at_]).filename().string(), segment_ ? segment_->offset() : 0, index,
                 std::move(code), std::move(message)};
  return false;
}

bool LogReader::open() {
  segment_.reset();
  const std::uint32_t number = numbers_[at_];
  if (number != (at_ == 0 ? 0 : numbers_[at_ - 1] + 1))
    return fail("log.gap", "the segment before this one is missing");
  std::unique_ptr<SegmentReader> opened;
  try {
    opened = std::make_unique<SegmentReader>(segment_path(folder_, number));
  } catch (const Error& e) {
    return fail(e.code(), e.message());
  }
  const SegmentHeader& header = opened->header();
  if (!state_) state_.emplace(at_ == 0 ? LogState(header.log) : LogState(header));
  const SegmentHeader wanted = state_->next_segment(number);
  if (header.log != wanted.log) return fail("log.splice", "the segment belongs to another log");
  if (header.bytes() != wanted.bytes()) return fail("log.order", "the segment does not follow the one before it");
  segment_ = std::move(opened);
  return true;
}

bool LogReader::next(EntryView& entry) {
  if (fault_ || (!segment_ && !open())) return false;
  while (true) {
    const auto next = segment_->next(entry);
    if (next == SegmentReader::Next::broken) return fail("log.entry", "what stands here is no whole entry");
    if (next == SegmentReader::Next::entry) {
      const std::string why = state_->accept(entry);
      return why.empty() || fail("log.chain", why);
    }
    if (at_ + 1 == numbers_.size()) return false;
    ++at_;
    if (!open()) return false;
  }
}

void LogReader::require_sound() const {
  if (fault_) throw Error("log.damaged", to_string(*fault_), "sluice audit verify says how far the log can be trusted");
}

PayloadReader::PayloadReader(const std::filesystem::path& folder) : folder_(folder) {
  const auto path = folder / "keys.db";
  if (std::filesystem::exists(path)) keys_ = std::make_unique<SubjectKeys>(path);
}

std::optional<std::string_view> PayloadReader::read(const EntryView& entry) {
  if (!(entry.header.flags & kEncrypted)) return entry.payload;
  if (!keys_) throw Error("keys.none", folder_.string() + ": the log is encrypted, and keys.db is not here");
  const auto key = keys_->find(entry.header.subject);
  if (!key) return std::nullopt;
  if (!cipher_.open(*key, entry.hashed.substr(0, sizeof(EntryHeader)), entry.payload, plain_))
    throw Error("keys.tag",
                "entry " + std::to_string(entry.header.index) + " cannot be deciphered: its key is not this one");
  return plain_;
}

}  // namespace sluice::audit
