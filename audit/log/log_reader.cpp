#include "sluice/audit/log/log_reader.h"

#include <utility>

#include "sluice/audit/retention.h"
#include "sluice/base/error.h"

namespace sluice::audit {

LogReader::LogReader(const std::filesystem::path& folder, std::uint64_t from) : folder_(folder) {
  if (!std::filesystem::is_directory(folder)) throw Error("log.none", folder.string() + ": the folder does not exist");
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
  if (at_ > 0 && number != numbers_[at_ - 1] + 1) return fail("log.gap", "the segment before this one is missing");
  std::unique_ptr<SegmentReader> opened;
  try {
    opened = std::make_unique<SegmentReader>(segment_path(folder_, number));
  } catch (const Error& e) {
    return fail(e.code(), e.message());
  }
  const SegmentHeader& header = opened->header();
  if (at_ == 0 && (number == 0) != (header.first_index == 0))
    return fail("log.order", "the segment's number does not match the index of its first entry");
  if (!state_) state_.emplace(number == 0 ? LogState(header.log) : LogState(header));
  const SegmentHeader wanted = state_->next_segment(number);
  if (header.log != wanted.log) return fail("log.splice", "the segment belongs to another log");
  if (header.bytes() != wanted.bytes()) return fail("log.order", "the segment does not follow the one before it");
  if (at_ == 0) first_ = header;
  segment_ = std::move(opened);
  return true;
}

bool LogReader::next(EntryView& entry) {
  if (fault_ || (!segment_ && !open())) return false;
  while (true) {
    const auto next = segment_->next(entry);
    if (next == SegmentReader::Next::broken) return fail("log.entry", "the entry is incomplete");
    if (next == SegmentReader::Next::entry) {
      const std::string why = state_->accept(entry);
      if (!why.empty()) return fail("log.chain", why);
      return entry.header.kind != EntryKind::retention || note_retention(entry);
    }
    if (at_ + 1 == numbers_.size()) return finish();
    ++at_;
    if (!open()) return false;
  }
}

bool LogReader::note_retention(const EntryView& entry) {
  try {
    const Retention retention = decode_retention(entry.payload);
    if (first_ && !told_ && retention.kept >= first_->first_index) told_ = entry.header.index;
    return true;
  } catch (const Error& e) {
    return fail(e.code(), e.message());
  }
}

/// Missing leading segments are a fault unless a retention entry of the log covers them.
bool LogReader::finish() {
  if (!first_ || first_->first_index == 0 || told_) return false;
  fault_ = Fault{segment_path("", numbers_[0]).string(), 0, 0, "log.gap",
                 "the segments before this one are missing, and no retention entry covers them"};
  return false;
}

void require_kept(const std::filesystem::path& folder, std::uint64_t index) {
  const auto numbers = segment_numbers(folder);
  if (numbers.empty()) return;
  const std::uint64_t first = SegmentReader(segment_path(folder, numbers[0])).header().first_index;
  if (index < first)
    throw Error("log.retained", "entry " + std::to_string(index) + " is gone: the entries before " +
                                    std::to_string(first) + " were deleted by retention");
}

std::vector<std::uint64_t> erasures_since(const std::filesystem::path& folder, std::uint64_t from) {
  std::vector<std::uint64_t> numbers;
  LogReader reader(folder, from);
  for (EntryView entry; reader.next(entry);)
    if (entry.header.kind == EntryKind::erasure && entry.header.index >= from) numbers.push_back(entry.header.subject);
  return numbers;
}

bool has_encrypted_entries(const std::filesystem::path& folder) {
  LogReader reader(folder);
  for (EntryView entry; reader.next(entry);)
    if (entry.header.kind == EntryKind::decision) return (entry.header.flags & kEncrypted) != 0;
  return false;
}

void LogReader::require_sound() const {
  if (fault_)
    throw Error("log.damaged", to_string(*fault_), "sluice audit verify names the first entry that cannot be trusted");
}

PayloadReader::PayloadReader(const std::filesystem::path& folder) : folder_(folder) {
  const auto path = folder / "keys.db";
  if (!std::filesystem::exists(path)) return;
  keys_ = std::make_unique<SubjectKeys>(path, SubjectKeys::Access::read);
  const auto numbers = segment_numbers(folder);
  if (numbers.empty()) return;
  keys_->require_log(SegmentReader(segment_path(folder, numbers[0])).header().log);
  const auto erased = erasures_since(folder, keys_->n_applied());
  erased_.insert(erased.begin(), erased.end());
}

std::optional<std::string_view> PayloadReader::read(const EntryView& entry) {
  if (!(entry.header.flags & kEncrypted)) return entry.payload;
  if (!keys_) throw Error("keys.none", folder_.string() + ": the log is encrypted, and keys.db is missing");
  if (erased_.contains(entry.header.subject)) return std::nullopt;
  const auto key = keys_->find(entry.header.subject);
  if (!key) return std::nullopt;
  if (!cipher_.open(*key, entry.hashed.substr(0, sizeof(EntryHeader)), entry.payload, plain_))
    throw Error("keys.tag",
                "entry " + std::to_string(entry.header.index) + " cannot be decrypted: keys.db has another key for it");
  return plain_;
}

}  // namespace sluice::audit
