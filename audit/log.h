#pragma once
/// The decision log: an append-only folder of segments (docs/log_format.md) with a hash chain, a Merkle tree and signed
/// checkpoints.
///
/// `append` encodes the record into a slot that is already there and returns; one thread of the log hashes, encrypts
/// and writes in groups. Any number of threads may call everything at once. One process writes a log at a time. Nothing
/// is lost silently: what cannot be kept is refused to its caller's face and counted.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "sluice/audit/decision_record.h"
#include "sluice/audit/retention.h"
#include "sluice/audit/review.h"

namespace sluice::audit {

enum class Durability {
  none,      // written; the system decides when it reaches the disk
  interval,  // on disk every `interval_ms`
  every,     // `append` returns when its group is on disk
};

struct LogOptions {
  Durability durability = Durability::interval;
  std::int64_t interval_ms = 10;
  std::size_t ring_records = 8192;    // slots between callers and the writing thread
  std::size_t spill_records = 65536;  // kept beside them in memory when they are full; 0: none
  std::int64_t max_wait_ms = 1000;    // of `append`, where both are full or the disk is slow, and of `close`
  std::uint64_t segment_bytes = 256 << 20;
  std::uint64_t checkpoint_entries = 1 << 16;  // a signed checkpoint after so many entries,
  std::int64_t checkpoint_ms = 1000;           // or so much time with new ones, and at the end
  bool encrypt = false;                 // each subject's records under its own key; a log that has keys keeps them
  std::filesystem::path signing_key{};  // empty: signing.key in the folder, made where it is not there
};

enum class Appended {
  recorded,  // in order to be written; on disk, where durability is `every`
  spilled,   // kept in memory beside the ring, or not on disk within max_wait_ms: written as soon as that is possible
  refused,   // not kept: no room, or a text of more than 65,535 bytes
};

struct OpenReport {
  bool created = false;
  std::uint64_t n_entries = 0;        // that were there
  std::uint64_t truncated_bytes = 0;  // of a torn write behind the last whole entry, kept in a file of their own
  std::string message;                // what was done about it; empty where nothing was
};

struct LogStatus {
  std::uint64_t appended = 0, spilled = 0, refused = 0;  // records, since the log was opened
  std::uint64_t n_entries = 0;                           // written, all of them
  std::uint64_t n_write_errors = 0;
  bool degraded = false;  // the disk does not take what is written; records wait in memory
  std::string trouble;    // "log.write: 00000003.log: No space left on device"; empty where not degraded
};

class Log {
 public:
  /// Makes the folder or goes on with it. Throws Error{log.locked} where another process writes it, Error{log.damaged}
  /// where it is not what its checkpoints say, and Error{file.*, key.*, keys.*}.
  Log(const std::filesystem::path& folder, LogOptions options = {});
  ~Log();  // closes

  /// Never throws. `bundle` is the one that decided; texts and rows are copied.
  Appended append(const cascade::Bundle& bundle, const cascade::Decision& decision,
                  const DecisionContext& context) noexcept;

  /// Waits until everything appended so far is on disk; false after `timeout_ms`.
  bool flush(std::int64_t timeout_ms);

  /// Deletes the subject's key and writes an entry that says so. False where the subject has none. Throws
  /// Error{keys.off} for a log without keys.
  bool erase(std::uint64_t subject, std::int64_t time_us);

  /// Writes people's reviews of decisions that are in the log, each under the key of its decision's subject where the
  /// log has keys, and waits until they are on disk. `time_us` is now; a review's own time is when the person decided.
  /// All of them or none: throws Error{review.*, keys.*, record.text}, and Error{log.write} where the disk does not
  /// take them yet.
  void append_reviews(std::span<const Review> reviews, std::int64_t time_us);

  /// Deletes leading segments all of whose entries are older than `before_us`, never the last, once an entry that says
  /// so is under a signed checkpoint. Returns which entries went; `kept` equals `first` where none is that old, and
  /// then nothing is written. The segments are read on the caller's thread; appends go on. Throws Error{log.*, file.*}:
  /// nothing was deleted that the log does not tell of.
  Retention retain(std::int64_t before_us, const std::string& who, std::int64_t time_us);

  LogStatus status() const;
  const OpenReport& opened() const;

  /// Writes what is left and a last checkpoint, and ends the thread; later appends are refused. Gives up after
  /// max_wait_ms where the disk takes nothing; returns the number of records not written.
  std::uint64_t close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
