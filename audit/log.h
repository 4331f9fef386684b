#pragma once
/// The decision log: an append-only folder of segments (docs/log_format.md) with a hash chain, a Merkle tree and signed
/// checkpoints.
///
/// `append` encodes the record into a preallocated slot and returns; the log's own thread hashes, encrypts and writes
/// records in groups. Only one process at a time can write a log. No record is lost silently: a record that cannot be
/// kept is reported to its caller as refused, and counted.
/// Thread-safety: calls are thread-safe; the destructor must be called last. After `fork` only the parent writes: in
/// the child `append` refuses, and the other calls throw Error{log.forked} or do nothing.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sluice/audit/adoption.h"
#include "sluice/audit/decision_record.h"
#include "sluice/audit/retention.h"
#include "sluice/audit/review.h"
#include "sluice/audit/signature.h"

namespace sluice::audit {

enum class Durability {
  none,      // written to the system, which decides when to write it to disk
  interval,  // synced to disk every `interval_ms`
  every,     // `append` returns when the record's group is on disk
};

struct LogOptions {
  Durability durability = Durability::interval;
  std::int64_t interval_ms = 10;
  std::size_t ring_records = 8192;    // slots between callers and the writing thread; rounded up to a power of two
  std::size_t spill_records = 65536;  // kept in memory in addition when the slots are full; 0 disables this
  std::int64_t max_wait_ms = 1000;    // limit for `append` when both are full or the disk is slow, and for `close`
  std::uint64_t segment_bytes = 256 << 20;     // a segment of at least this size is closed and the next one begun
  std::uint64_t checkpoint_entries = 1 << 16;  // a signed checkpoint is written after this many entries,
  std::int64_t checkpoint_ms = 1000;           // after this time if there are new entries, and on `close`
  std::uint64_t scrub_bytes_per_s = 4 << 20;   // rate at which closed segments are read again; 0: never
  bool encrypt = false;                    // each subject's records with its own key; a log with keys stays encrypted
  std::filesystem::path signing_key{};     // empty: signing.key in the folder, created if absent
  std::shared_ptr<const Signer> signer{};  // used instead of a key file if it is set
  /// Whoever orders it, and why: entries that the signing key does not prove to be this log's are adopted (`Adoption`)
  /// instead of being refused as log.unsigned_tail. Empty: never.
  std::string adopt_by{}, adopt_why{};
};

enum class Appended {
  recorded,  // queued to be written; on disk if durability is `every`
  spilled,   // kept in memory outside the ring, or not on disk within max_wait_ms; written as soon as possible
  // Not kept: no subject in an encrypted log, a row of another width than the schema's, a text that is not UTF-8 or has
  // more than 65,535 bytes, an entry of more than 16 MiB, no room, or the log is closed.
  refused,
};

struct OpenReport {
  bool created = false;
  std::uint64_t n_entries = 0;        // found in the log
  std::uint64_t truncated_bytes = 0;  // of a torn write after the last whole entry, moved to a separate file
  std::string message;                // what was done about it; empty if there was no torn write
  std::uint64_t n_adopted = 0;        // entries, by order of LogOptions::adopt_by
};

struct LogStatus {
  std::uint64_t appended = 0, spilled = 0, refused = 0;  // records, since the log was opened
  std::uint64_t n_entries = 0;                           // of the whole log
  std::uint64_t n_write_errors = 0;
  bool degraded = false;         // writing fails; records wait in memory
  std::string trouble;           // "log.write: 00000003.log: No space left on device"; empty if not degraded
  std::string refusal;           // why the last record was refused, if its content was the reason
  std::uint64_t n_scrubbed = 0;  // closed segments that were read again and are sound
  std::string damage;            // "log.damaged: 00000003.log: …" if one is not: verify the log; empty if all are
};

class Log {
 public:
  /// Creates the log, or continues it if the folder contains one. Throws Error{log.locked} if another process writes
  /// it, Error{log.damaged} if it does not match its checkpoints, Error{log.unsigned_tail} if it has entries that
  /// neither a checkpoint covers nor the signing key proves to be its writer's, and Error{log.segment, file.*, key.*,
  /// keys.*}.
  Log(const std::filesystem::path& folder, LogOptions options = {});
  ~Log();  // closes the log

  /// `bundle` is the one that decided. Texts and the row are copied.
  Appended append(const cascade::Bundle& bundle, const cascade::Decision& decision,
                  const DecisionContext& context) noexcept;

  /// Waits until everything appended so far is on disk. False if that takes longer than `timeout_ms`.
  bool flush(std::int64_t timeout_ms);

  /// The reference by which this log stores a person or an account, for DecisionContext::subject. 0 for an empty name.
  std::uint64_t subject_reference(std::string_view name) const;

  /// Deletes the subject's key and writes an erasure entry. `subject` is a `subject_reference`, `time_us` the present
  /// time. False if the subject has no key. Throws Error{keys.off} for a log without keys.
  bool erase(std::uint64_t subject, std::int64_t time_us);

  /// Writes reviews of decisions that are in the log, and waits until they are on disk. If the log has keys, each is
  /// encrypted with the key of its decision's subject. `time_us` is the present time; a review's own time is when the
  /// person decided. Writes none of them if it throws Error{review.*, keys.*, record.text}. Error{log.write}: the disk
  /// failed; the reviews are queued and will be written when it works again.
  void append_reviews(std::span<const Review> reviews, std::int64_t time_us);

  /// From now on `next` signs the checkpoints. The present key signs that it hands over to it. Throws Error{key.same,
  /// log.write} and what a Signer throws; the log then continues with the key that signed last.
  void rotate_key(std::shared_ptr<const Signer> next);

  /// Writes a retention entry and a signed checkpoint that covers it, then deletes the leading segments whose entries
  /// are all older than `before_us`, but never the last segment. Returns which entries were deleted; if none is that
  /// old, `kept` equals `first` and nothing is written. The segments are read on the caller's thread; appends continue.
  /// If it throws Error{log.*, file.*}, it has deleted only segments that the retention entry names.
  Retention retain(std::int64_t before_us, const std::string& who, std::int64_t time_us);

  /// Whether each subject's records are encrypted with its own key. A record without a subject is then refused.
  bool is_encrypted() const;
  LogStatus status() const;
  const OpenReport& opened() const;

  /// Writes the remaining records and a last checkpoint, and ends the thread; later appends are refused. Gives up after
  /// max_wait_ms if writing fails. Returns the number of records that were not written.
  std::uint64_t close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
