#include "sluice/audit/index.h"

#include "sluice/audit/decision_record.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/log/sqlite.h"
#include "sluice/audit/references.h"
#include "sluice/audit/review.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr const char* kCorrupt = "index.corrupt";

// In an encrypted log, `request` is References::request; otherwise it is the id itself.
constexpr const char* kTables =
    "CREATE TABLE log (id BLOB NOT NULL, size INTEGER NOT NULL, chain BLOB NOT NULL);"
    "CREATE TABLE entries (entry INTEGER PRIMARY KEY, request BLOB NOT NULL, subject INTEGER NOT NULL,"
    " key INTEGER NOT NULL, time INTEGER NOT NULL, action INTEGER NOT NULL);"
    "CREATE TABLE reviews (entry INTEGER PRIMARY KEY, decision INTEGER NOT NULL, key INTEGER NOT NULL);"
    "CREATE INDEX by_decision ON reviews (decision); CREATE INDEX by_request ON entries (request);"
    "CREATE INDEX by_subject ON entries (subject); CREATE INDEX by_key ON entries (key);"
    "CREATE INDEX by_time ON entries (time)";

/// Every object of the database: a trigger or a view that somebody added is one.
std::string objects_of(Database& database) {
  Statement select(database, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY name");
  std::string text;
  while (select.step()) (text += select.blob(0)) += '\n';
  return text;
}

std::string expected_objects() {
  Database database(":memory:", "index.database");
  database.run(kTables);
  return objects_of(database);
}

void remove_files(const std::filesystem::path& folder) {
  for (const char* name : {"index.db", "index.db-wal", "index.db-shm"}) std::filesystem::remove(folder / name);
}

/// The number of the log's first segment.
std::uint32_t first_segment(const std::filesystem::path& folder) {
  const auto numbers = segment_numbers(folder);
  if (numbers.empty()) throw Error("log.none", folder.string() + ": there is no log in this folder");
  return numbers[0];
}

/// What an index covers: the first `size` entries, the last of them with this chain hash.
struct Extent {
  std::uint64_t size = 0;
  std::string chain;
};

}  // namespace

struct LogIndex::State {
  explicit State(const std::filesystem::path& log_folder)
      : folder(log_folder), database(log_folder / "index.db", "index.database", kCorrupt) {
    database.run("PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.run("PRAGMA secure_delete = ON");
    if (objects_of(database).empty()) database.run(std::string("BEGIN IMMEDIATE;") + kTables + "; COMMIT");
    if (objects_of(database) != expected_objects())
      throw Error(kCorrupt, (folder / "index.db").string() + ": not the tables of this program");
    if (std::filesystem::exists(folder / "keys.db")) references = References::load(folder);
  }

  std::string request_of(std::string_view id) const { return references ? references->request(id) : std::string(id); }

  /// What the index covers of this log; nothing if it is of another log.
  Extent extent_of(const LogId& log) {
    const std::string_view id(reinterpret_cast<const char*>(log.data()), log.size());
    Statement select(database, "SELECT id, size, chain FROM log");
    return select.step() && select.blob(0) == id ? Extent{select.number(1), std::string(select.blob(2))} : Extent{};
  }

  void store(const LogId& log, std::uint64_t size, const Digest& chain) {
    database.run("DELETE FROM log");
    Statement(database, "INSERT INTO log VALUES (?, ?, ?)")
        .bind_blob(1, {reinterpret_cast<const char*>(log.data()), log.size()})
        .bind(2, size)
        .bind_blob(3, bytes_of(chain))
        .run();
  }

  /// Whether the log still contains the entries of the index: a torn end may have been cut off since.
  bool follows(const Extent& extent) const {
    LogReader reader(folder, extent.size - 1);
    for (EntryView entry; reader.next(entry);)
      if (entry.header.index + 1 == extent.size) return bytes_of(reader.state()->chain()) == extent.chain;
    reader.require_sound();
    return false;
  }

  void add(const EntryView& entry, PayloadReader& payloads, Statement& decisions, Statement& reviews) {
    const EntryHeader& header = entry.header;
    if (header.kind == EntryKind::erasure)
      for (const char* table : {"entries", "reviews"})
        Statement(database, std::string("DELETE FROM ") + table + " WHERE key = ?").bind(1, header.subject).run();
    if (header.kind != EntryKind::decision && header.kind != EntryKind::review) return;
    const auto payload = payloads.read(entry);
    if (!payload) return;
    const std::uint64_t key = (header.flags & kEncrypted) != 0 ? header.subject : 0;
    if (header.kind == EntryKind::review)
      return reviews.bind(1, header.index).bind(2, decode_review(*payload).decision.index).bind(3, key).run();
    const RecordParts parts = split(*payload);
    const RecordHead head = decode_head(parts.head);
    decisions.bind(1, header.index)
        .bind_blob(2, request_of(head.id))
        .bind(3, head.subject)
        .bind(4, key)
        .bind(5, header.time_us)
        .bind(6, static_cast<std::int64_t>(static_cast<unsigned char>(parts.outcome.at(0))))
        .run();
  }

  std::filesystem::path folder;
  Database database;
  std::optional<References> references;  // of an encrypted log
};

LogIndex::LogIndex(const std::filesystem::path& folder) {
  first_segment(folder);  // throws before an index is created in a folder without a log
  try {
    state_ = std::make_unique<State>(folder);
  } catch (const Error& e) {
    if (e.code() != kCorrupt) throw;
    remove_files(folder);
    state_ = std::make_unique<State>(folder);
  }
}
LogIndex::~LogIndex() = default;

std::uint64_t LogIndex::rebuild() {
  const auto folder = state_->folder;
  state_.reset();
  remove_files(folder);
  state_ = std::make_unique<State>(folder);
  return add_new();
}

std::uint64_t LogIndex::update() {
  try {
    return add_new();
  } catch (const Error& e) {
    if (e.code() != kCorrupt) throw;
    return rebuild();
  }
}

std::uint64_t LogIndex::add_new() {
  State& state = *state_;
  const SegmentHeader first = SegmentReader(segment_path(state.folder, first_segment(state.folder))).header();
  const LogId& log = first.log;
  std::uint64_t n_added = 0;
  bool has_erasure = false;
  state.database.run("BEGIN IMMEDIATE");
  try {
    Extent have = state.extent_of(log);
    if (have.size == 0 || !state.follows(have)) {
      have = {};
      state.database.run("DELETE FROM entries; DELETE FROM reviews");
    }
    for (const char* table : {"entries", "reviews"})  // entries deleted by retention
      Statement(state.database, std::string("DELETE FROM ") + table + " WHERE entry < ?")
          .bind(1, first.first_index)
          .run();
    LogReader reader(state.folder, have.size);
    PayloadReader payloads(state.folder);
    Statement decisions(state.database, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)");
    Statement reviews(state.database, "INSERT INTO reviews VALUES (?, ?, ?)");
    for (EntryView entry; reader.next(entry);) {
      if (entry.header.index < have.size) continue;
      state.add(entry, payloads, decisions, reviews);
      has_erasure |= entry.header.kind == EntryKind::erasure;
    }
    reader.require_sound();
    state.store(log, reader.state()->size(), reader.state()->chain());
    state.database.run("COMMIT");
    n_added = reader.state()->size() - have.size;
  } catch (...) {
    state.database.run("ROLLBACK");
    throw;
  }
  if (has_erasure) state.database.empty_write_ahead_log();
  return n_added;
}

std::vector<std::uint64_t> LogIndex::find(const Query& query) {
  try {
    return select(query);
  } catch (const Error& e) {
    if (e.code() != kCorrupt) throw;
    rebuild();
    return select(query);
  }
}

std::vector<std::uint64_t> LogIndex::select(const Query& query) {
  std::string sql = "SELECT entry FROM entries WHERE 1";
  if (query.id) sql += " AND request = ?1";
  if (query.subject) sql += " AND subject = ?2";
  if (query.from_us) sql += " AND time >= ?3";
  if (query.until_us) sql += " AND time < ?4";
  if (query.action) sql += " AND action = ?5";
  Statement select(state_->database, sql + " ORDER BY entry LIMIT ?6");
  if (query.id) select.bind_blob(1, state_->request_of(*query.id));
  if (query.subject) select.bind(2, *query.subject);
  if (query.from_us) select.bind(3, *query.from_us);
  if (query.until_us) select.bind(4, *query.until_us);
  if (query.action) select.bind(5, static_cast<std::int64_t>(*query.action));
  select.bind(6, query.limit);
  std::vector<std::uint64_t> entries;
  while (select.step()) entries.push_back(select.number(0));
  return entries;
}

std::optional<std::uint64_t> LogIndex::last_review(std::uint64_t decision) {
  Statement select(state_->database, "SELECT max(entry) FROM reviews WHERE decision = ? HAVING count(*) > 0");
  select.bind(1, decision);
  if (!select.step()) return std::nullopt;
  return select.number(0);
}

}  // namespace sluice::audit
