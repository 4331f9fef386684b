#include "sluice/audit/index.h"

#include "sluice/audit/decision_record.h"
#include "sluice/audit/log_reader.h"
#include "sluice/audit/sqlite.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

/// What an index has taken in: so many entries, the last of them with this chain hash.
struct Extent {
  std::uint64_t size = 0;
  std::string chain;
};

}  // namespace

struct LogIndex::State {
  explicit State(const std::filesystem::path& log_folder)
      : folder(log_folder), database(log_folder / "index.db", "index.database") {
    database.run(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;"
        "CREATE TABLE IF NOT EXISTS log (id BLOB NOT NULL, size INTEGER NOT NULL, chain BLOB NOT NULL);"
        "CREATE TABLE IF NOT EXISTS entries (entry INTEGER PRIMARY KEY, request TEXT NOT NULL, subject INTEGER NOT "
        "NULL,"
        " key INTEGER NOT NULL, time INTEGER NOT NULL, action INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS by_request ON entries (request); CREATE INDEX IF NOT EXISTS by_subject ON entries "
        "(subject);"
        "CREATE INDEX IF NOT EXISTS by_key ON entries (key); CREATE INDEX IF NOT EXISTS by_time ON entries (time)");
  }

  /// How far the index is with this log; nowhere with another.
  Extent extent_of(const LogId& log) {
    const std::string_view id(reinterpret_cast<const char*>(log.data()), log.size());
    Statement select(database, "SELECT id, size, chain FROM log");
    if (!select.step()) return {};
    Extent extent;
    if (select.blob(0) == id) extent = {select.number(1), std::string(select.blob(2))};
    select.reset();
    return extent;
  }

  void store(const LogId& log, std::uint64_t size, const Digest& chain) {
    database.run("DELETE FROM log");
    Statement(database, "INSERT INTO log VALUES (?, ?, ?)")
        .bind_blob(1, {reinterpret_cast<const char*>(log.data()), log.size()})
        .bind(2, size)
        .bind_blob(3, bytes_of(chain))
        .run();
  }

  /// Whether the log still holds what the index was made from: a torn end may have been cut off since.
  bool follows(const Extent& extent) const {
    LogReader reader(folder, extent.size - 1);
    for (EntryView entry; reader.next(entry);)
      if (entry.header.index + 1 == extent.size) return bytes_of(entry.chain) == extent.chain;
    reader.require_sound();
    return false;
  }

  void add(Statement& insert, const EntryView& entry, PayloadReader& payloads) {
    if (entry.header.kind == EntryKind::erasure)
      Statement(database, "DELETE FROM entries WHERE key = ?").bind(1, entry.header.subject).run();
    if (entry.header.kind != EntryKind::decision) return;
    const auto payload = payloads.read(entry);
    if (!payload) return;
    const RecordParts parts = split(*payload);
    const RecordHead head = decode_head(parts.head);
    const bool has_key = (entry.header.flags & kEncrypted) != 0;
    insert.bind(1, entry.header.index)
        .bind_text(2, head.id)
        .bind(3, head.subject)
        .bind(4, has_key ? entry.header.subject : std::uint64_t{0})
        .bind(5, entry.header.time_us)
        .bind(6, static_cast<std::int64_t>(static_cast<unsigned char>(parts.outcome.at(0))))
        .run();
  }

  std::filesystem::path folder;
  Database database;
};

LogIndex::LogIndex(const std::filesystem::path& folder) : state_(std::make_unique<State>(folder)) {}
LogIndex::~LogIndex() = default;

std::uint64_t LogIndex::update() {
  State& state = *state_;
  const LogId log = SegmentReader(segment_path(state.folder, 0)).header().log;
  state.database.run("BEGIN IMMEDIATE");
  try {
    Extent have = state.extent_of(log);
    if (have.size == 0 || !state.follows(have)) {
      have = {};
      state.database.run("DELETE FROM entries");
    }
    LogReader reader(state.folder, have.size);
    PayloadReader payloads(state.folder);
    Statement insert(state.database, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)");
    for (EntryView entry; reader.next(entry);)
      if (entry.header.index >= have.size) state.add(insert, entry, payloads);
    reader.require_sound();
    state.store(log, reader.state()->size(), reader.state()->chain());
    state.database.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    return reader.state()->size() - have.size;
  } catch (...) {
    state.database.run("ROLLBACK");
    throw;
  }
}

std::vector<std::uint64_t> LogIndex::find(const Query& query) {
  std::string sql = "SELECT entry FROM entries WHERE 1";
  if (query.id) sql += " AND request = ?1";
  if (query.subject) sql += " AND subject = ?2";
  if (query.from_us) sql += " AND time >= ?3";
  if (query.until_us) sql += " AND time < ?4";
  if (query.action) sql += " AND action = ?5";
  Statement select(state_->database, sql + " ORDER BY entry LIMIT ?6");
  if (query.id) select.bind_text(1, *query.id);
  if (query.subject) select.bind(2, *query.subject);
  if (query.from_us) select.bind(3, *query.from_us);
  if (query.until_us) select.bind(4, *query.until_us);
  if (query.action) select.bind(5, static_cast<std::int64_t>(*query.action));
  select.bind(6, query.limit);
  std::vector<std::uint64_t> entries;
  while (select.step()) entries.push_back(select.number(0));
  return entries;
}

}  // namespace sluice::audit
