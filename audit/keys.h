#pragma once
/// The keys of a log's subjects: one random AES-256 key per subject, in keys.db in the log's folder. Erasing a subject
/// deletes its key; the log, whose chain covers ciphertext, still verifies.
///
/// An encrypted entry identifies its subject only by the key's number, which is random. After an erasure nothing links
/// the number to the subject.
/// Thread-safety: one thread at a time may use an object. Several processes may read keys.db while one writes it.

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/audit/checkpoint.h"

namespace sluice::audit {

struct SubjectKey {
  std::uint64_t number = 0;
  Secret secret;
};

class SubjectKeys {
 public:
  enum class Access { write, read };  // `read`: an existing file, also on read-only media; nothing but `find` is called
  /// Opens the file, or creates it. Every call throws Error{keys.database} if SQLite fails.
  explicit SubjectKeys(const std::filesystem::path& path, Access access = Access::write);
  ~SubjectKeys();

  /// `bind` binds new keys to the log. Both throw Error{keys.log} if they were made for another.
  void bind(const LogId& log);
  void require_log(const LogId& log);
  /// The erasures of this many entries of the log have been applied. An old keys.db that was put back has applied
  /// fewer.
  std::uint64_t n_applied();
  /// Deletes the keys with these numbers, which are those erased in the log's first `n_entries` entries.
  void apply(std::span<const std::uint64_t> erased, std::uint64_t n_entries);

  /// The subject's key, created if there is none. A new key is durable after `commit`. Valid until the next call.
  const SubjectKey& of(std::uint64_t subject);
  void commit();

  /// The number of the subject's committed key; nullopt if there is none.
  std::optional<std::uint64_t> number_of(std::uint64_t subject);
  /// nullopt for an erased key. Throws Error{keys.unknown} for a number that has never been a key's.
  std::optional<SubjectKey> find(std::uint64_t number);

  /// Deletes the subject's key permanently and returns its number; nullopt if there is none. Throws
  /// Error{keys.database} if another process keeps an old page of the file, which may have the key: it is deleted, and
  /// the call must be repeated to be sure that no copy is left.
  std::optional<std::uint64_t> erase(std::uint64_t subject);
  /// Numbers of erased keys for which the log has no erasure entry yet.
  std::vector<std::uint64_t> untold();
  void mark_told(std::uint64_t number);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// AES-256-GCM as the log stores it: nonce (12 random bytes), ciphertext, tag (16 bytes). The tag also authenticates
/// `context`, which is not stored. The constructor and `seal` throw Error{keys.cipher} if OpenSSL fails.
inline constexpr std::size_t kSealBytes = 28;
class Cipher {
 public:
  Cipher();
  ~Cipher();
  /// Replaces `out` by plain.size() + kSealBytes bytes.
  void seal(const SubjectKey& key, std::string_view context, std::string_view plain, std::string& out);
  /// Replaces `out` by the plaintext. False if the bytes, the context or the key are not those of `seal`; `out` must
  /// then not be used.
  bool open(const SubjectKey& key, std::string_view context, std::string_view sealed, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
