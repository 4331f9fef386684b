#pragma once
/// What a log stores in place of a name: a keyed hash. A guess can be tested only with the log's secret.
/// Thread-safety: const calls and functions are thread-safe.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sluice/audit/signature.h"

namespace sluice::audit {

class References {
 public:
  /// With a new random secret. Throws Error{key.unavailable} if OpenSSL fails.
  static References generate();
  /// Reads subjects.key in the log's folder. Throws Error{keys.subjects} if it is missing, and Error{file.read,
  /// key.format, key.mode}.
  static References load(const std::filesystem::path& folder);
  /// Writes it, for its owner alone. Throws Error{file.write}.
  void save(const std::filesystem::path& folder) const;

  /// Of a person or an account: the first eight bytes, little-endian, of the HMAC-SHA256 of "subject:" and the name
  /// under the secret. 0, which means no subject, is replaced by 1.
  std::uint64_t subject(std::string_view name) const;
  /// Of a request's id, in the index of an encrypted log: the first 16 bytes of the HMAC of "request:" and the id.
  std::string request(std::string_view id) const;

 private:
  Secret secret_;
};

}  // namespace sluice::audit
