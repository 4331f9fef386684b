#include "sluice/audit/keys.h"

#include <openssl/rand.h>

#include <cstring>
#include <unordered_map>
#include <utility>

#include "sluice/audit/log/sqlite.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr std::size_t kMaxCached = 1 << 20;

std::string_view bytes_of(const LogId& log) { return {reinterpret_cast<const char*>(log.data()), log.size()}; }

template <class T>
void fill_random(T& out) {
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(&out), sizeof out) != 1)
    throw Error("keys.random", "OpenSSL cannot provide random bytes");
}

SubjectKey read_key(const Statement& row, int number_column, int key_column) {
  SubjectKey key{row.number(number_column), {}};
  const std::string_view bytes = row.blob(key_column);
  if (bytes.size() != key.secret.bytes.size())
    throw Error("keys.database", "keys.db contains a key that does not have 32 bytes");
  std::memcpy(key.secret.bytes.data(), bytes.data(), key.secret.bytes.size());
  return key;
}

}  // namespace

struct SubjectKeys::State {
  State(const std::filesystem::path& path, Database::Access access) : database(path, "keys.database", {}, access) {
    if (access == Database::Access::write) make_tables();
    by_subject.emplace(database, "SELECT number, key FROM keys WHERE subject = ?");
    by_number.emplace(database, "SELECT number, key FROM keys WHERE number = ?");
    is_erased.emplace(database, "SELECT 1 FROM erased WHERE number = ?");
    insert.emplace(database, "INSERT INTO keys VALUES (?, ?, ?)");
  }

  void make_tables() {
    // FULL: a key must be durable before the entries that it opens. secure_delete overwrites an erased key's bytes.
    database.run(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
        "CREATE TABLE IF NOT EXISTS keys (subject INTEGER PRIMARY KEY, number INTEGER NOT NULL UNIQUE, key BLOB NOT "
        "NULL);"
        "CREATE TABLE IF NOT EXISTS erased (number INTEGER PRIMARY KEY, told INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS log (id BLOB NOT NULL, applied INTEGER NOT NULL)");
  }

  void insert_made() {
    database.run("BEGIN IMMEDIATE");
    for (const auto& [subject, key] : made)
      insert->bind(1, subject)
          .bind(2, key.number)
          .bind_blob(3, {reinterpret_cast<const char*>(key.secret.bytes.data()), key.secret.bytes.size()})
          .run();
    database.run("COMMIT");
  }

  Database database;
  std::optional<Statement> by_subject, by_number, is_erased, insert;
  std::unordered_map<std::uint64_t, SubjectKey> cache;
  std::vector<std::pair<std::uint64_t, SubjectKey>> made;  // not in the database yet
};

SubjectKeys::SubjectKeys(const std::filesystem::path& path, Access access)
    : state_(std::make_unique<State>(path, access == Access::read ? Database::Access::read : Database::Access::write)) {
}
SubjectKeys::~SubjectKeys() = default;

const SubjectKey& SubjectKeys::of(std::uint64_t subject) {
  const auto found = state_->cache.find(subject);
  if (found != state_->cache.end()) return found->second;
  if (state_->cache.size() >= kMaxCached) {
    commit();
    state_->cache.clear();
  }
  SubjectKey key;
  if (state_->by_subject->bind(1, subject).step()) {
    key = read_key(*state_->by_subject, 0, 1);
    state_->by_subject->reset();
  } else {
    fill_random(key.number);
    fill_random(key.secret.bytes);
    state_->made.emplace_back(subject, key);
  }
  return state_->cache.emplace(subject, key).first->second;
}

void SubjectKeys::commit() {
  if (state_->made.empty()) return;
  try {
    state_->insert_made();
  } catch (const Error&) {
    try {  // fails if SQLite has already rolled back
      state_->database.run("ROLLBACK");
    } catch (const Error&) {
    }
    throw;
  }
  state_->made.clear();
}

std::optional<std::uint64_t> SubjectKeys::number_of(std::uint64_t subject) {
  if (!state_->by_subject->bind(1, subject).step()) return std::nullopt;
  const std::uint64_t number = state_->by_subject->number(0);
  state_->by_subject->reset();
  return number;
}

std::optional<SubjectKey> SubjectKeys::find(std::uint64_t number) {
  if (state_->by_number->bind(1, number).step()) {
    SubjectKey key = read_key(*state_->by_number, 0, 1);
    state_->by_number->reset();
    return key;
  }
  if (!state_->is_erased->bind(1, number).step())
    throw Error("keys.unknown", "keys.db has no key with this number, and none was erased",
                "keys.db belongs to another log or was restored from an older copy; restore this log's own file");
  state_->is_erased->reset();
  return std::nullopt;
}

std::optional<std::uint64_t> SubjectKeys::erase(std::uint64_t subject) {
  commit();
  const auto number = number_of(subject);
  if (number) {
    state_->database.run("BEGIN IMMEDIATE");
    Statement(state_->database, "DELETE FROM keys WHERE subject = ?").bind(1, subject).run();
    Statement(state_->database, "INSERT INTO erased VALUES (?, 0)").bind(1, *number).run();
    state_->database.run("COMMIT");
    state_->cache.erase(subject);
  }
  state_->database.empty_write_ahead_log();  // it may contain the page with the key, also that of an earlier call
  return number;
}

void SubjectKeys::bind(const LogId& log) {
  if (!Statement(state_->database, "SELECT 1 FROM log").step())
    Statement(state_->database, "INSERT INTO log VALUES (?, 0)").bind_blob(1, bytes_of(log)).run();
  require_log(log);
}

void SubjectKeys::require_log(const LogId& log) {
  Statement select(state_->database, "SELECT id FROM log");
  if (select.step() && select.blob(0) != bytes_of(log))
    throw Error("keys.log", "keys.db was made for another log", "restore this log's own keys.db");
}

std::uint64_t SubjectKeys::n_applied() {
  Statement select(state_->database, "SELECT applied FROM log");
  return select.step() ? select.number(0) : 0;
}

void SubjectKeys::apply(std::span<const std::uint64_t> erased, std::uint64_t n_entries) {
  state_->database.run("BEGIN IMMEDIATE");
  for (const std::uint64_t number : erased) {
    Statement(state_->database, "DELETE FROM keys WHERE number = ?").bind(1, number).run();
    Statement(state_->database, "INSERT OR IGNORE INTO erased VALUES (?, 1)").bind(1, number).run();
  }
  Statement(state_->database, "UPDATE log SET applied = ?").bind(1, n_entries).run();
  state_->database.run("COMMIT");
  if (erased.empty()) return;
  state_->cache.clear();
  state_->database.empty_write_ahead_log();
}

std::vector<std::uint64_t> SubjectKeys::untold() {
  std::vector<std::uint64_t> numbers;
  Statement select(state_->database, "SELECT number FROM erased WHERE told = 0 ORDER BY number");
  while (select.step()) numbers.push_back(select.number(0));
  return numbers;
}

void SubjectKeys::mark_told(std::uint64_t number) {
  Statement(state_->database, "UPDATE erased SET told = 1 WHERE number = ?").bind(1, number).run();
}

}  // namespace sluice::audit
