#pragma once
/// Ed25519 (RFC 8032) keys, stored in files of one line of hexadecimal digits.
/// Thread-safety: const calls and functions are thread-safe, except SigningKey::save, which changes the process's umask
/// while it writes.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::audit {

using Signature = std::array<std::uint8_t, 64>;

struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};

  /// Whether `signature` is this key's for `message`.
  bool verifies(std::string_view message, const Signature& signature) const;
  /// Throws Error{file.read, key.format}.
  static PublicKey load(const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;
};

/// Every call throws Error{key.unavailable} if OpenSSL fails.
class SigningKey {
 public:
  static SigningKey generate();
  /// Throws Error{file.read, key.format}.
  static SigningKey load(const std::filesystem::path& path);
  /// The file can be read only by its owner. Throws Error{file.write}.
  void save(const std::filesystem::path& path) const;

  Signature sign(std::string_view message) const;
  PublicKey public_key() const;

 private:
  std::array<std::uint8_t, 32> seed_{};
};

/// Lower-case digits, two per byte.
std::string to_hex(std::string_view bytes);
/// nullopt unless `digits` are lower-case, two per byte.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace sluice::audit
