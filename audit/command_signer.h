#pragma once
/// Signs with a program of the host, so that the key can stay in a hardware module or a key service.
/// Thread-safety: const calls are thread-safe.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sluice/audit/signature.h"

namespace sluice::audit {

/// `PROGRAM public-key` prints the public key as 64 hexadecimal digits. `PROGRAM sign` reads a message from standard
/// input and prints its Ed25519 signature as 128 digits. Both may end with a newline, and exit with 0 within the time
/// limit. Every call throws Error{key.signer} otherwise.
class CommandSigner final : public Signer {
 public:
  /// `program` is started as it is named, without a search and without a shell. Asks it for the public key.
  explicit CommandSigner(std::filesystem::path program, std::int64_t max_wait_ms = 10'000);

  Signature sign(std::string_view message) const override;
  PublicKey public_key() const override { return public_key_; }

 private:
  std::string ask(const char* verb, std::string_view message, std::size_t n_bytes) const;

  std::filesystem::path program_;
  std::int64_t max_wait_ms_;
  PublicKey public_key_;
};

}  // namespace sluice::audit
