#pragma once
/// SQLite behind two small classes that throw. Not installed; not thread-safe.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::audit {

/// Every failure throws Error{`code`} with the file and SQLite's message.
class Database {
 public:
  Database(const std::filesystem::path& path, std::string code);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql);
  [[noreturn]] void fail() const;

 private:
  friend class Statement;
  sqlite3* handle_ = nullptr;
  std::string path_, code_;
};

/// Prepared once, run many times: bind, step until false, and again.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Positions count from 1. Numbers without a sign are stored as the signed ones of the same bits.
  Statement& bind(int position, std::int64_t value);
  Statement& bind(int position, std::uint64_t value) { return bind(position, static_cast<std::int64_t>(value)); }
  Statement& bind_text(int position, std::string_view text);
  Statement& bind_blob(int position, std::string_view bytes);
  /// True where there is a row; after false the statement may be bound anew.
  bool step();
  void run() {
    while (step()) {
    }
  }
  void reset();

  std::int64_t integer(int column) const;  // columns count from 0
  std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string_view blob(int column) const;  // until the next step

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace sluice::audit
