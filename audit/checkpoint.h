#pragma once
/// A signed statement of a log's content at one size: one line of text (docs/log_format.md). Each line names the one
/// before it by its hash, so that a missing line is found.
/// Thread-safety: plain data; const calls and `parse` are thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/audit/signature.h"
#include "sluice/base/digest.h"

namespace sluice::audit {

using LogId = std::array<std::uint8_t, 16>;

struct Checkpoint {
  LogId log{};
  std::uint64_t size = 0;    // entries
  Digest root;               // of the Merkle tree over them
  Digest chain;              // chain hash of the last entry; the log's first chain hash if there are no entries
  std::int64_t time_us = 0;  // since 1970: the latest time of its entries
  Digest previous;           // `digest` of the line before; zeros in the first line, which is of the empty log
  std::optional<PublicKey> next_key{};  // signs the lines after this one, in place of the key of this one
  Signature signature{};

  void sign(const Signer& key);
  bool is_signed_by(const PublicKey& key) const;
  std::string line() const;  // ends with a newline
  Digest digest() const;     // SHA-256 of the line
  bool is_first() const { return size == 0 && previous == Digest{}; }

  /// Whether a line of this size may follow `before`: it has more entries, unless one of the two hands over to a key.
  bool grows_from(const Checkpoint& before) const {
    return size > before.size || (size == before.size && (next_key || before.next_key));
  }

  /// Accepts exactly what `line` writes. Does not check the signature. Throws Error{checkpoint.format}.
  static Checkpoint parse(std::string_view line);

 private:
  std::string statement() const;
};

}  // namespace sluice::audit
