#pragma once
/// The keys of a log's subjects: one random AES-256 key each, in keys.db beside the log. Erasing a person is deleting a
/// key; the log, whose chain covers ciphertext, still verifies.
///
/// A key's number is random and is all that the log says of whose entry it is; after the erasure nothing leads from the
/// number to the subject. Not thread-safe; several processes may read while one writes.

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit {

struct SubjectKey {
  std::uint64_t number = 0;
  std::array<std::uint8_t, 32> bytes{};
};

class SubjectKeys {
 public:
  /// Throws Error{keys.database}, as every call.
  explicit SubjectKeys(const std::filesystem::path& path);
  ~SubjectKeys();

  /// The subject's key, made where there is none; durable after `commit`.
  const SubjectKey& of(std::uint64_t subject);
  void commit();

  /// The number of the subject's key; nullopt where it has none.
  std::optional<std::uint64_t> number_of(std::uint64_t subject);
  /// nullopt for an erased key. Throws Error{keys.unknown} for a number that never was one's.
  std::optional<SubjectKey> find(std::uint64_t number);

  /// Deletes the subject's key for good and returns its number; nullopt where there is none.
  std::optional<std::uint64_t> erase(std::uint64_t subject);
  /// Erased keys of which no entry of the log tells yet.
  std::vector<std::uint64_t> untold();
  void mark_told(std::uint64_t number);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// AES-256-GCM as the log stores it: nonce (12 bytes, random), ciphertext, tag (16 bytes). `context` is authenticated
/// with it.
inline constexpr std::size_t kSealBytes = 28;
class Cipher {
 public:
  Cipher();
  ~Cipher();
  /// Replaces `out`.
  void seal(const SubjectKey& key, std::string_view context, std::string_view plain, std::string& out);
  /// False where the bytes, the context or the key are not those of `seal`.
  bool open(const SubjectKey& key, std::string_view context, std::string_view sealed, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
