#pragma once
/// Whether a log is what was written: the chain, the Merkle tree, the checkpoints and their signatures; and proofs
/// about it for others (docs/log_format.md).
///
/// Found and located: any changed bit, a deleted, added or moved entry or segment, parts of another log, entries
/// missing below the last checkpoint and at the front where no retention under a checkpoint tells of it, checkpoints
/// that were changed, repeated or are of another log, plain reviews that name another entry than a decision with that
/// hash. Not to be found in the log alone: entries cut off behind the last checkpoint, or with it; for these, keep a
/// checkpoint elsewhere and give it as `known`. Keys are not needed. Functions are thread-safe; nobody may write the
/// log meanwhile.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sluice/audit/checkpoint.h"

namespace sluice::audit {

struct Fault {
  std::string file;                    // "00000003.log", "checkpoints"
  std::uint64_t offset = 0;            // bytes, of the entry or line
  std::optional<std::uint64_t> index;  // of the first entry that cannot be trusted
  std::string code, message;
};
/// "00000003.log at byte 1234, entry 17: log.chain: …"
std::string to_string(const Fault& fault);

struct VerifyOptions {
  std::optional<PublicKey> key{};     // none: signing.pub in the folder, which then vouches for itself alone
  std::optional<Checkpoint> known{};  // kept elsewhere: the log must still hold what it says
};

struct VerifyReport {
  LogId log{};
  std::uint64_t n_entries = 0, n_segments = 0, n_checkpoints = 0;
  std::uint64_t first_entry = 0;  // those before it went by retention; `n_entries` counts them
  std::uint64_t n_covered = 0;    // entries below the last sound checkpoint
  std::uint64_t n_erasures = 0, n_recoveries = 0, n_reviews = 0, n_retentions = 0, n_clock_went_back = 0;
  Digest root, chain;         // of the sound entries
  std::vector<Fault> faults;  // empty: the log is whole. Entries are read up to the first fault among them

  bool is_whole() const { return faults.empty(); }
};

/// Throws Error{log.none, file.read, key.format} where there is nothing to verify with.
VerifyReport verify_log(const std::filesystem::path& folder, const VerifyOptions& options = {});

/// That an entry is in the log of a checkpoint, as JSON for a third party. Throws Error{merkle.range, log.damaged},
/// Error{log.unsigned} for an entry that no checkpoint covers yet, and Error{log.retained} for one that is gone.
std::string prove_entry(const std::filesystem::path& folder, std::uint64_t index);

/// That the log of the first `size` entries, of which there must be a checkpoint, is a prefix of the last checkpoint's.
/// Throws as `prove_entry`.
std::string prove_consistency(const std::filesystem::path& folder, std::uint64_t size);

/// Every sound line of the checkpoints file, in order; faults of the others are added.
std::vector<Checkpoint> read_checkpoints(const std::filesystem::path& folder, const PublicKey& key,
                                         std::vector<Fault>& faults);

}  // namespace sluice::audit
