#include "sluice/audit/index.h"

#include "sluice/audit/decision_record.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/log/sqlite.h"
#include "sluice/audit/review.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr std::int64_t kIndexVersion = 2;  // an older index is rebuilt: it may lack reviews

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
      : folder(log_folder), database(log_folder / "index.db", "index.database") {
    database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON");
    if (version() < kIndexVersion)
      database.run(
          "DROP TABLE IF EXISTS log; DROP TABLE IF EXISTS entries; DROP TABLE IF EXISTS reviews;"
          "PRAGMA user_version = " +
          std::to_string(kIndexVersion));
    database.run(
        "CREATE TABLE IF NOT EXISTS log (id BLOB NOT NULL, size INTEGER NOT NULL, chain BLOB NOT NULL);"
        "CREATE TABLE IF NOT EXISTS entries (entry INTEGER PRIMARY KEY, request TEXT NOT NULL, subject INTEGER NOT "
        "NULL,"
        " key INTEGER NOT NULL, time INTEGER NOT NULL, action INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS reviews (entry INTEGER PRIMARY KEY, decision INTEGER NOT NULL, key INTEGER NOT "
        "NULL);"
        "CREATE INDEX IF NOT EXISTS by_decision ON reviews (decision);"
        "CREATE INDEX IF NOT EXISTS by_request ON entries (request); CREATE INDEX IF NOT EXISTS by_subject ON entries "
        "(subject);"
        "CREATE INDEX IF NOT EXISTS by_key ON entries (key); CREATE INDEX IF NOT EXISTS by_time ON entries (time)");
  }

  std::int64_t version() {
    Statement pragma(database, "PRAGMA user_version");
    return pragma.step() ? pragma.integer(0) : 0;
  }

  /// What the index covers of this log; nothing if it is of another log.
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

  /// Whether the log still contains the entries of the index: a torn end may have been cut off since.
  bool follows(const Extent& extent) const {
    LogReader reader(folder, extent.size - 1);
    for (EntryView entry; reader.next(entry);)
      if (entry.header.index + 1 == extent.size) return bytes_of(entry.chain) == extent.chain;
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
        .bind_text(2, head.id)
        .bind(3, head.subject)
        .bind(4, key)
        .bind(5, header.time_us)
        .bind(6, static_cast<std::int64_t>(static_cast<unsigned char>(parts.outcome.at(0))))
        .run();
  }

  std::filesystem::path folder;
  Database database;
};

LogIndex::LogIndex(const std::filesystem::path& folder) {
  first_segment(folder);  // throws before an index is created in a folder without a log
  state_ = std::make_unique<State>(folder);
}
LogIndex::~LogIndex() = default;

std::uint64_t LogIndex::update() {
  State& state = *state_;
  const SegmentHeader first = SegmentReader(segment_path(state.folder, first_segment(state.folder))).header();
  const LogId& log = first.log;
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
    for (EntryView entry; reader.next(entry);)
      if (entry.header.index >= have.size) state.add(entry, payloads, decisions, reviews);
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

std::optional<std::uint64_t> LogIndex::last_review(std::uint64_t decision) {
  Statement select(state_->database, "SELECT max(entry) FROM reviews WHERE decision = ? HAVING count(*) > 0");
  select.bind(1, decision);
  if (!select.step()) return std::nullopt;
  return select.number(0);
}

}  // namespace sluice::audit
