#pragma once
/// A small SQLite wrapper that throws on errors. Not installed; not thread-safe.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::audit {

/// Every failure throws Error{`code`} with the file and SQLite's message; Error{`corrupt_code`}, if it is given, for a
/// file that is not a sound database. The path ":memory:" is a database in memory.
class Database {
 public:
  enum class Access { write, read };  // `read`: an existing file, also where nothing can be written beside it
  Database(const std::filesystem::path& path, std::string code, std::string corrupt_code = {},
           Access access = Access::write);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql);
  /// Moves the write-ahead log into the file and empties it, so that no old page is left. Waits for readers. Throws
  /// Error{code} if one keeps an old page for longer than the busy timeout.
  void empty_write_ahead_log();
  [[noreturn]] void fail() const;

 private:
  friend class Statement;
  void open(const std::string& name, int flags);
  bool can_read() const;
  sqlite3* handle_ = nullptr;
  std::string path_, code_, corrupt_code_;
};

/// A prepared statement: bind, step until false, repeat.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Positions count from 1. Unsigned numbers are stored as signed ones with the same bits.
  Statement& bind(int position, std::int64_t value);
  Statement& bind(int position, std::uint64_t value) { return bind(position, static_cast<std::int64_t>(value)); }
  Statement& bind_text(int position, std::string_view text);
  Statement& bind_blob(int position, std::string_view bytes);
  /// True if there is a row. After false the statement can be bound again.
  bool step();
  void run() {
    while (step()) {
    }
  }
  void reset();

  std::int64_t integer(int column) const;  // columns count from 0
  std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string_view blob(int column) const;  // valid until the next step

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace sluice::audit
