#pragma once
/// Verifies that a log is what was written: the chain, the Merkle tree, the checkpoints and their signatures. Makes
/// proofs about it for third parties (docs/log_format.md).
///
/// Detects and locates:
///   - any changed bit; a deleted, added or moved entry or segment; parts of another log;
///   - entries missing below the last checkpoint, or at the front without a retention entry that a checkpoint covers;
///   - checkpoints that were changed, repeated or deleted, or belong to another log;
///   - entries after the last checkpoint, unless a writer has the log open and has not signed them yet;
///   - unencrypted reviews whose entry is not a decision with the hash that they name.
/// The log alone cannot show that entries together with their checkpoints were removed from its end. To detect that,
/// keep a checkpoint elsewhere and pass it as `known`. Keys are not needed.
/// Thread-safety: the functions are thread-safe, and a log may be written during a call.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sluice/audit/checkpoint.h"

namespace sluice::audit {

struct Fault {
  std::string file;                    // "00000003.log", "checkpoints"
  std::uint64_t offset = 0;            // of the entry or line, in bytes
  std::optional<std::uint64_t> index;  // of the first entry that cannot be trusted
  std::string code, message;
};
/// "00000003.log at byte 1234, entry 17: log.chain: …"
std::string to_string(const Fault& fault);

struct VerifyOptions {
  std::optional<PublicKey> key{};  // any of the log's keys. None: signing.pub in the folder, which proves only that the
                                   // log is consistent
  std::optional<Checkpoint> known{};  // kept elsewhere; the log must still match it
};

struct VerifyReport {
  LogId log{};
  std::uint64_t n_entries = 0, n_segments = 0, n_checkpoints = 0;
  std::uint64_t first_entry = 0;  // retention deleted those before it; `n_entries` counts them
  std::uint64_t n_covered = 0;    // entries that the last valid checkpoint covers
  bool is_written = false;        // a writer has the log open
  std::uint64_t n_adoptions = 0;  // of entries that a person ordered to be signed
  std::uint64_t n_erasures = 0, n_recoveries = 0, n_reviews = 0, n_retentions = 0, n_clock_went_back = 0;
  Digest root, chain;         // of the valid entries
  std::vector<Fault> faults;  // empty if the log is whole; entries are read up to the first fault in them

  bool is_whole() const { return faults.empty(); }
};

/// Faults are in the report. Throws Error{log.none, file.read, key.format} if there is no log or no key.
VerifyReport verify_log(const std::filesystem::path& folder, const VerifyOptions& options = {});

/// The last checkpoint, for a witness to keep. Throws Error{log.damaged} unless all lines are valid.
Checkpoint last_checkpoint(const std::filesystem::path& folder, const PublicKey& key);

/// A proof, as JSON, that an entry is in the log of the last checkpoint. Throws Error{log.damaged}, Error{log.unsigned}
/// for an entry that no checkpoint covers yet, and Error{log.retained} for one that retention deleted.
std::string prove_entry(const std::filesystem::path& folder, std::uint64_t index);

/// A proof, as JSON, that the log of the first `size` entries is a prefix of the last checkpoint's log. There must be a
/// checkpoint of `size` entries. Throws the errors of `prove_entry`, and Error{merkle.range} if `size` is 0.
std::string prove_consistency(const std::filesystem::path& folder, std::uint64_t size);

/// The valid lines of the checkpoints file, in order. `key` signed the first line, or a line hands over to it. Appends
/// to `faults` for each of the others. `is_written`: the last line may be incomplete, and is then left out.
std::vector<Checkpoint> read_checkpoints(const std::filesystem::path& folder, const PublicKey& key,
                                         std::vector<Fault>& faults, bool is_written = false);

}  // namespace sluice::audit
