#pragma once
/// The files of a log as one thread writes them. Not installed; not thread-safe.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sluice/audit/keys.h"
#include "sluice/audit/log.h"
#include "sluice/audit/log/entry.h"
#include "sluice/audit/log/posix_file.h"
#include "sluice/audit/retention.h"
#include "sluice/audit/signature.h"

namespace sluice::audit {

class LogWriter {
 public:
  /// Takes the folder's lock, then creates the log, or finds the end of its last whole entry and cuts off what is
  /// behind. Throws what Log's constructor throws.
  LogWriter(const std::filesystem::path& folder, const LogOptions& options);

  /// Seals an entry behind the others; it is in memory until `write`. Throws Error{keys.*}: the entry is not taken.
  void add(EntryKind kind, std::int64_t time_us, std::uint64_t subject, std::string_view payload);

  /// Hands everything sealed to the system. Throws Error{log.write}; a later call tries again from where it stood.
  void write();
  /// Makes it durable, then makes the checkpoint and the segment that are due. Throws as `write`.
  void sync();
  /// `sync`, with a checkpoint of all there is.
  void finish();

  /// Closes the files and gives the lock back.
  void close() {
    segment_ = PosixFile();
    checkpoints_ = PosixFile();
    lock_ = PosixFile();
  }

  bool erase(std::uint64_t subject, std::int64_t time_us);
  void retain(const RetentionPlan& plan, std::int64_t time_us);
  /// What Log::append_reviews says.
  void add_reviews(std::span<const Review> reviews, std::int64_t time_us);

  bool has_unsynced() const { return unsynced_; }
  bool checkpoint_is_due() const;
  std::size_t n_pending_bytes() const { return pending_.size(); }
  std::uint64_t n_entries() const { return state_->size(); }
  const OpenReport& opened() const { return opened_; }

 private:
  void seal(EntryHeader header, std::string_view payload, const SubjectKey* key);
  void lock();
  void load_key();
  void open_checkpoints();
  void create();
  void recover(std::uint32_t number);
  void truncate(const std::filesystem::path& path, std::uint64_t end);
  void start_segment(std::uint32_t number);
  void drop_written();
  void checkpoint();
  void tell_erasures(std::int64_t time_us);

  std::filesystem::path folder_;
  LogOptions options_;
  OpenReport opened_;
  PosixFile lock_, segment_, checkpoints_;
  std::optional<SigningKey> key_;
  std::unique_ptr<SubjectKeys> keys_;  // null where payloads are plain
  Cipher cipher_;
  std::optional<LogState> state_;
  std::uint32_t number_ = 0;
  std::string pending_;        // sealed, not known to be on disk (or not written, where durability is `none`)
  std::size_t n_written_ = 0;  // bytes of it that the system has taken
  std::uint64_t offset_ = 0;   // in the segment, of the first of them
  bool unsynced_ = false;
  std::uint64_t checkpoints_end_ = 0, checkpointed_ = 0;  // bytes of the file; entries that it covers
  bool has_checkpoint_ = false;
  std::int64_t last_time_us_ = std::numeric_limits<std::int64_t>::min();
  std::chrono::steady_clock::time_point last_checkpoint_ = std::chrono::steady_clock::now();
  std::string sealed_;
};

}  // namespace sluice::audit
