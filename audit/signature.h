#pragma once
/// Ed25519 (RFC 8032) keys, stored in files of one line of hexadecimal digits, and what signs with one.
/// Thread-safety: const calls and functions are thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::audit {

using Signature = std::array<std::uint8_t, 64>;

/// Overwrites memory that held a secret, in a way that no optimizer removes.
void wipe(void* bytes, std::size_t n) noexcept;

/// 32 secret bytes, which are overwritten when they are no longer used. In a file: one line of hexadecimal digits.
struct Secret {
  std::array<std::uint8_t, 32> bytes{};
  ~Secret() { wipe(bytes.data(), bytes.size()); }

  /// Throws Error{key.unavailable} if OpenSSL cannot provide random bytes.
  static Secret generate();
  /// Throws Error{file.read, key.format}, and Error{key.mode} if others than the file's owner can read or write it.
  static Secret load(const std::filesystem::path& path);
  /// The file can be read only by its owner. Throws Error{file.write}.
  void save(const std::filesystem::path& path) const;
};

struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};

  friend bool operator==(const PublicKey&, const PublicKey&) = default;
  /// Whether `signature` is this key's for `message`.
  bool verifies(std::string_view message, const Signature& signature) const;
  /// Throws Error{file.read, key.format}.
  static PublicKey load(const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;
};

/// What signs a log's checkpoints: a key file, a hardware module, a service of the host. Signing must be deterministic,
/// as RFC 8032 demands: a log derives the key of its marks from a signature.
class Signer {
 public:
  virtual ~Signer() = default;
  /// Throws an Error if it cannot sign now; the log then tries again.
  virtual Signature sign(std::string_view message) const = 0;
  virtual PublicKey public_key() const = 0;
};

/// Every call throws Error{key.unavailable} if OpenSSL fails.
class SigningKey final : public Signer {
 public:
  static SigningKey generate();
  /// As for a Secret.
  static SigningKey load(const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const { seed_.save(path); }

  Signature sign(std::string_view message) const override;
  PublicKey public_key() const override;

 private:
  Secret seed_;
};

/// Lower-case digits, two per byte.
std::string to_hex(std::string_view bytes);
/// nullopt unless `digits` are lower-case, two per byte.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace sluice::audit
