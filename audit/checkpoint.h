#pragma once
/// A signed statement of a log's content at one size: one line of text (docs/log_format.md).
/// Thread-safety: plain data; const calls and `parse` are thread-safe.

#include <array>
#include <cstdint>
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
  Signature signature{};

  void sign(const SigningKey& key);
  bool is_signed_by(const PublicKey& key) const;
  std::string line() const;  // ends with a newline

  /// Accepts exactly what `line` writes. Does not check the signature. Throws Error{checkpoint.format}.
  static Checkpoint parse(std::string_view line);

 private:
  std::string statement() const;
};

}  // namespace sluice::audit
