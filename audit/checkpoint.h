#pragma once
/// A signed statement of what a log held: one line of text (docs/log_format.md).

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
  std::uint64_t size = 0;  // entries
  Digest root;             // of the Merkle tree over them
  Digest chain;            // hash of the last one; the log's first hash where there is none
  std::int64_t time_us = 0;
  Signature signature{};

  void sign(const SigningKey& key);
  bool is_signed_by(const PublicKey& key) const;
  std::string line() const;  // with its newline

  /// Reads what `line` wrote, letter for letter. Throws Error{checkpoint.format}.
  static Checkpoint parse(std::string_view line);

 private:
  std::string statement() const;
};

}  // namespace sluice::audit
