#pragma once
/// Writes the files of a log. Not installed; not thread-safe.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sluice/audit/keys.h"
#include "sluice/audit/log.h"
#include "sluice/audit/log/checkpoint_file.h"
#include "sluice/audit/log/entry.h"
#include "sluice/audit/log/posix_file.h"
#include "sluice/audit/references.h"
#include "sluice/audit/retention.h"
#include "sluice/audit/signature.h"

namespace sluice::audit {

class LogWriter {
 public:
  /// Locks the folder, then creates the log, or finds the end of its last whole entry and cuts off the rest. Throws the
  /// errors of Log's constructor.
  LogWriter(const std::filesystem::path& folder, const LogOptions& options);

  /// Seals an entry after the others; it stays in memory until `write`. If it throws Error{keys.*}, the entry was not
  /// added.
  void add(EntryKind kind, std::int64_t time_us, std::uint64_t subject, std::string_view payload);

  /// Writes all sealed entries to the system. Throws Error{log.write}; a later call continues where this one failed.
  void write();
  /// Makes them durable, then writes a checkpoint and begins a segment if they are due. Throws as `write`.
  void sync();
  /// `sync`, then a checkpoint of all entries.
  void finish();

  /// Closes the files and releases the lock.
  void close() {
    segment_ = PosixFile();
    checkpoints_ = CheckpointFile();
    lock_ = PosixFile();
  }

  void rotate_key(std::shared_ptr<const Signer> next);
  bool erase(std::uint64_t subject, std::int64_t time_us);
  void retain(const RetentionPlan& plan, std::int64_t time_us);
  /// See Log::append_reviews.
  void add_reviews(std::span<const Review> reviews, std::int64_t time_us);

  bool has_unsynced() const { return unsynced_; }
  bool checkpoint_is_due() const;
  std::size_t n_pending_bytes() const { return pending_.size(); }
  std::uint64_t n_entries() const { return state_->size(); }
  const OpenReport& opened() const { return opened_; }
  bool is_encrypted() const { return keys_ != nullptr; }
  const References& references() const { return references_; }  // does not change

 private:
  void seal(EntryHeader header, std::string_view payload, const SubjectKey* key);
  void lock();
  PublicKey load_key();
  void create();
  void recover(std::uint32_t number);
  void adopt(std::uint64_t first, std::int64_t time_us);
  void set_aside(const std::filesystem::path& path);
  void start_segment(std::uint32_t number);
  void drop_written();
  void checkpoint();
  Checkpoint present_checkpoint() const;
  void tell_erasures(std::int64_t time_us);

  std::filesystem::path folder_;
  LogOptions options_;
  OpenReport opened_;
  PosixFile lock_, segment_;
  CheckpointFile checkpoints_;
  std::shared_ptr<const Signer> signer_;
  MarkKey mark_key_{};
  References references_;
  std::unique_ptr<SubjectKeys> keys_;  // null if payloads are not encrypted
  Cipher cipher_;
  std::optional<LogState> state_;
  std::uint32_t number_ = 0;
  std::string pending_;        // sealed, not known to be on disk (or not written, if durability is `none`)
  std::size_t n_written_ = 0;  // bytes of pending_ written to the system
  std::uint64_t offset_ = 0;   // of the first byte of pending_ in the segment
  bool unsynced_ = false;
  bool failed_ = false;  // the last write or sync: the segment may have any of pending_'s bytes
  std::int64_t last_time_us_ = std::numeric_limits<std::int64_t>::min();
  std::chrono::steady_clock::time_point last_checkpoint_ = std::chrono::steady_clock::now();
  std::string sealed_;
};

}  // namespace sluice::audit
