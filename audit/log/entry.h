#pragma once
/// The bytes of a log's entries and segments (docs/log_format.md). Not installed.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/audit/checkpoint.h"
#include "sluice/audit/log/sha256.h"
#include "sluice/audit/merkle.h"
#include "sluice/base/digest.h"

namespace sluice::audit {

enum class EntryKind : std::uint8_t {
  decision = 1,
  erasure = 2,
  recovery = 3,
  review = 4,
  retention = 5,
  adoption = 6,
  mark = 7
};

const char* to_string(EntryKind kind);  // "decision"; "unknown" for an unknown kind

enum EntryFlag : std::uint8_t { kEncrypted = 1, kClockWentBack = 2 };

/// As in the file.
struct EntryHeader {
  std::uint32_t length = 0;  // of the whole entry, including the chain hash
  EntryKind kind = EntryKind::decision;
  std::uint8_t flags = 0;
  std::uint16_t zero = 0;
  std::uint64_t index = 0;
  std::int64_t time_us = 0;
  std::uint64_t subject = 0;  // the subject reference; the number of its key if the entry is encrypted or an erasure
};
static_assert(sizeof(EntryHeader) == 32);

inline constexpr const char* kVerifyHint = "sluice audit verify names the first entry that cannot be trusted";

inline constexpr std::size_t kHashBytes = 32;
inline constexpr std::size_t kMaxEntryBytes = 16 << 20;

/// A mark follows the last entry of each write. It authenticates everything before it under a key that follows from the
/// signing key, because the chain proves nothing: anyone can compute it. It has the form of an entry whose payload is
/// an HMAC, but neither an index nor a leaf of its own.
inline constexpr std::size_t kMarkBytes = sizeof(EntryHeader) + 2 * kHashBytes;
using MarkKey = Secret;
/// The SHA-256 of the key's signature of "sluice-log-mark-v1".
MarkKey mark_key_of(const Signer& key);

/// Points into the reader's buffer.
struct EntryView {
  EntryHeader header;
  std::string_view hashed;   // the header's bytes and the payload
  std::string_view payload;  // as stored
  Digest chain;              // as stored
  std::string_view mark;     // the bytes of the mark that follows; empty if another entry follows

  /// In bytes, including the mark.
  std::size_t size() const { return hashed.size() + kHashBytes + mark.size(); }
};

struct SegmentHeader {
  std::uint32_t number = 0;
  LogId log{};
  std::uint64_t first_index = 0;
  Digest chain;               // before the first entry
  std::vector<Digest> peaks;  // of the Merkle tree before the first entry

  std::string bytes() const;
};

inline constexpr std::size_t kFixedHeaderBytes = 72;
std::size_t segment_header_bytes(std::uint64_t first_index);

/// `bytes` begins with the header. Throws Error{log.segment} for bytes that `bytes()` cannot have written.
SegmentHeader parse_segment_header(std::string_view bytes);

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint32_t number);
/// Numbers of the segments in the folder, ascending. Throws Error{log.none} if the folder does not exist.
std::vector<std::uint32_t> segment_numbers(const std::filesystem::path& folder);

/// The state of a log after its first entries: size, chain hash and Merkle tree. Not thread-safe.
class LogState {
 public:
  explicit LogState(const LogId& log);  // of an empty log: the first chain hash is the SHA-256 of the log's id
  explicit LogState(const SegmentHeader& header);

  /// Completes the header, appends the entry to `out` and adds it to the state.
  void seal(EntryHeader header, std::string_view payload, std::string& out);
  /// Appends a mark of the entries so far to `out`, unless the last of them is marked.
  void mark(const MarkKey& key, std::string& out);
  /// Adds the entry and its mark to the state and returns "", or returns why they do not follow.
  std::string accept(const EntryView& entry);
  /// Whether the entry that was accepted last has a mark of this key's owner.
  bool is_marked_by(const MarkKey& key, const EntryView& last) const;

  /// Whether the checkpoint is of this log at its present size.
  bool is_that_of(const Checkpoint& checkpoint) const {
    return checkpoint.log == log_ && checkpoint.size == size() && checkpoint.root == tree_.root() &&
           checkpoint.chain == chain_;
  }

  const LogId& log() const { return log_; }
  std::uint64_t size() const { return tree_.size(); }
  const Digest& chain() const { return chain_; }
  const MerkleTree& tree() const { return tree_; }
  SegmentHeader next_segment(std::uint32_t number) const { return {number, log_, size(), chain_, tree_.peaks()}; }
  Checkpoint checkpoint(std::int64_t time_us) const { return {log_, size(), tree_.root(), chain_, time_us, {}, {}}; }

 private:
  void take(const Digest& entry, const Digest& chain);
  Digest mark_of(const MarkKey& key) const;
  std::string accept_mark(std::string_view bytes);

  LogId log_;
  Digest chain_;
  Digest unmarked_;  // the chain after the last entry, before its mark
  MerkleTree tree_;
  Sha256 sha256_;
};

}  // namespace sluice::audit
