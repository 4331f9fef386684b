#include "sluice/audit/log/log_writer.h"

#include <cstring>

#include "sluice/audit/index.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace sluice::audit {
namespace {

constexpr std::int64_t kClockToleranceUs = 1'000'000;  // threads that finish together may append out of order

void check(int error, const std::filesystem::path& path) { check_write(error, path.filename(), "log.write"); }

std::string_view bytes_of(const EntryHeader& header) { return {reinterpret_cast<const char*>(&header), sizeof header}; }

}  // namespace

void LogWriter::add(EntryKind kind, std::int64_t time_us, std::uint64_t subject, std::string_view payload) {
  const SubjectKey* key = keys_ && kind == EntryKind::decision ? &keys_->of(subject) : nullptr;
  seal({.kind = kind, .time_us = time_us, .subject = subject}, payload, key);
}

/// `key`: null for a payload that is not encrypted.
void LogWriter::seal(EntryHeader header, std::string_view payload, const SubjectKey* key) {
  const bool went_back = last_time_us_ != std::numeric_limits<std::int64_t>::min() && header.time_us < last_time_us_ &&
                         last_time_us_ - header.time_us > kClockToleranceUs;
  if (went_back) header.flags |= kClockWentBack;
  if (key) {
    header.flags |= kEncrypted;
    header.subject = key->number;
    header.index = state_->size();
    header.length = static_cast<std::uint32_t>(sizeof header + payload.size() + kSealBytes + kHashBytes);
    cipher_.seal(*key, bytes_of(header), payload, sealed_);
    payload = sealed_;
  }
  state_->seal(header, payload, pending_);
  unsynced_ = true;
  last_time_us_ = std::max(last_time_us_, header.time_us);
}

void LogWriter::write() {
  if (keys_) keys_->commit();  // before the entries that need them
  if (n_written_ == pending_.size()) return;
  state_->mark(mark_key_, pending_);
  const auto path = segment_path(folder_, number_);
  segment_.require_unchanged(path, offset_ + n_written_, offset_ + (failed_ ? pending_.size() : n_written_));
  failed_ = true;
  check(segment_.write_at(std::string_view(pending_).substr(n_written_), offset_ + n_written_), path);
  failed_ = false;
  n_written_ = pending_.size();
  if (options_.durability == Durability::none) drop_written();
}

void LogWriter::drop_written() {
  offset_ += n_written_;
  n_written_ = 0;
  pending_.clear();
}

void LogWriter::sync() {
  write();
  if (const int error = segment_.sync(); error != 0) {
    n_written_ = 0;  // the system may have dropped what was written: write all of it again
    failed_ = true;
    check(error, segment_path(folder_, number_));
  }
  drop_written();
  unsynced_ = false;
  const bool is_full = offset_ >= options_.segment_bytes;
  if (is_full || checkpoint_is_due()) checkpoint();
  if (is_full) start_segment(number_ + 1);
}

void LogWriter::finish() {
  sync();
  if (checkpoints_.covered() < state_->size()) checkpoint();
}

bool LogWriter::checkpoint_is_due() const {
  const std::uint64_t n = state_->size() - checkpoints_.covered();
  return n >= options_.checkpoint_entries || (n > 0 && std::chrono::steady_clock::now() - last_checkpoint_ >=
                                                           std::chrono::milliseconds(options_.checkpoint_ms));
}

void LogWriter::checkpoint() {
  const auto& last = checkpoints_.last();
  if (last && checkpoints_.covered() == state_->size() && !last->next_key) return;
  checkpoints_.append(present_checkpoint(), *signer_);
  last_checkpoint_ = std::chrono::steady_clock::now();
}

Checkpoint LogWriter::present_checkpoint() const { return state_->checkpoint(state_->size() == 0 ? 0 : last_time_us_); }

/// The old key signs a line that names the new one, and the new one signs the line after it.
void LogWriter::rotate_key(std::shared_ptr<const Signer> next) {
  finish();
  Checkpoint handover = present_checkpoint();
  handover.next_key = next->public_key();
  if (*handover.next_key == signer_->public_key())
    throw Error("key.same", folder_.string() + ": this key signs the log already", "make another key");
  const MarkKey mark_key = mark_key_of(*next);
  checkpoints_.append(handover, *signer_);
  signer_ = std::move(next);
  mark_key_ = mark_key;
  checkpoint();
}

void LogWriter::start_segment(std::uint32_t number) {
  const auto path = segment_path(folder_, number);
  const std::string header = state_->next_segment(number).bytes();
  write_file(path, header);
  check(sync_folder(folder_), folder_);
  segment_ = PosixFile::open_to_write(path);
  number_ = number;
  offset_ = header.size();
  if (keys_ && number > 0) keys_->apply({}, state_->size());
}

bool LogWriter::erase(std::uint64_t subject, std::int64_t time_us) {
  if (!keys_)
    throw Error("keys.off", folder_.string() + ": the log's records are not encrypted, so nothing can be erased",
                "a log has keys only if it was created with them (sluice score --audit-keys)");
  keys_->commit();
  bool erased = false;
  try {
    erased = keys_->erase(subject).has_value();
  } catch (const Error&) {
    tell_erasures(time_us);  // the key may be gone although a copy of it is not
    throw;
  }
  tell_erasures(time_us);
  keys_->apply({}, state_->size());
  if (std::filesystem::exists(folder_ / "index.db")) LogIndex(folder_).update();  // which forgets the subject
  return erased;
}

void LogWriter::add_reviews(std::span<const Review> reviews, std::int64_t time_us) {
  struct Ready {
    std::string bytes;
    std::optional<SubjectKey> key;
  };
  std::vector<Ready> ready;
  for (const Review& review : reviews) {
    const std::string name = "entry " + std::to_string(review.decision.index);
    if (review.decision.index >= state_->size())
      throw Error("review.link",
                  name + " is not in the log; its number of entries is " + std::to_string(state_->size()));
    Ready& next = ready.emplace_back();
    encode(next.bytes, review);
    if (!keys_) continue;
    next.key = keys_->find(review.decision.subject);
    if (!next.key) throw Error("review.erased", name + ": its subject was erased, so no review can be added");
  }
  for (std::size_t i = 0; i < ready.size(); ++i)
    seal({.kind = EntryKind::review, .time_us = time_us, .subject = reviews[i].decision.subject}, ready[i].bytes,
         ready[i].key ? &*ready[i].key : nullptr);
  finish();
}

void LogWriter::tell_erasures(std::int64_t time_us) {
  const auto numbers = keys_->untold();
  for (const std::uint64_t number : numbers) add(EntryKind::erasure, time_us, number, {});
  finish();
  for (const std::uint64_t number : numbers) keys_->mark_told(number);
}

}  // namespace sluice::audit
