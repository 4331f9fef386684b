#pragma once
/// Ed25519 (RFC 8032) keys as files of one line of hexadecimal. Immutable; thread-safe.

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

  bool verifies(std::string_view message, const Signature& signature) const;
  /// Throws Error{file.read, key.format}.
  static PublicKey load(const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;
};

class SigningKey {
 public:
  static SigningKey generate();
  /// Throws Error{file.read, key.format}.
  static SigningKey load(const std::filesystem::path& path);
  /// Readable by its owner alone.
  void save(const std::filesystem::path& path) const;

  Signature sign(std::string_view message) const;
  PublicKey public_key() const;

 private:
  std::array<std::uint8_t, 32> seed_{};
};

/// Lower-case digits, two a byte.
std::string to_hex(std::string_view bytes);
/// nullopt for anything but lower-case digits, two a byte.
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace sluice::audit
