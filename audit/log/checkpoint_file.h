#pragma once
/// The writer's side of a log's `checkpoints`. Not installed; not thread-safe.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "sluice/audit/checkpoint.h"
#include "sluice/audit/log/posix_file.h"

namespace sluice::audit {

class CheckpointFile {
 public:
  CheckpointFile() = default;
  /// Opens or creates the file, and cuts off a torn line at its end. Checks the first line, the links between the lines
  /// of the last MiB, that the log's first key signed the first line, and that `key` signed the last line or is the one
  /// that it hands over to. Throws Error{file.*, log.damaged, key.mismatch}.
  CheckpointFile(std::filesystem::path path, const PublicKey& first_key, const PublicKey& key);

  const std::optional<Checkpoint>& last() const { return last_; }
  /// Number of entries that the last checkpoint covers; 0 if there is none.
  std::uint64_t covered() const { return last_ ? last_->size : 0; }

  /// Signs the checkpoint as the one after `last`, and makes it durable. Throws Error{log.write, log.replaced}; a later
  /// call writes the line in the same place.
  void append(Checkpoint checkpoint, const Signer& key);

 private:
  void read(const PublicKey& first_key);

  std::filesystem::path path_;
  PosixFile file_;
  std::uint64_t end_ = 0;  // bytes
  bool torn_ = false;      // the last append failed: there may be bytes after `end_`
  std::optional<Checkpoint> last_;
};

}  // namespace sluice::audit
