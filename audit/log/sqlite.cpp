#include "sluice/audit/log/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "sluice/base/error.h"

namespace sluice::audit {

constexpr int kBusyMs = 5000;
constexpr const char* kInMemory = ":memory:";

namespace {

/// SQLite's name of a file on read-only media, whose write-ahead log it does not look for.
std::string immutable_name(const std::filesystem::path& path) {
  std::string name = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '?' || c == '#' || c == '%')
      ((name += '%') += kDigits[byte >> 4]) += kDigits[byte & 15];
    else
      name += c;
  }
  return name + "?immutable=1";
}

bool has_write_ahead_log(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path.string() + "-wal", error);
  return !error && size > 0;
}

}  // namespace

Database::Database(const std::filesystem::path& path, std::string code, std::string corrupt_code, Access access)
    : path_(path.string()), code_(std::move(code)), corrupt_code_(std::move(corrupt_code)) {
  if (access == Access::read) {
    open(path_, SQLITE_OPEN_READONLY);
    if (can_read() || has_write_ahead_log(path)) return;
    sqlite3_close(std::exchange(handle_, nullptr));
    open(immutable_name(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    return;
  }
  // Its owner's alone; SQLite gives its own files beside it the same mode.
  const int made = path == kInMemory ? -1 : ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) close(made);
  open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

void Database::open(const std::string& name, int flags) {
  if (sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr) != SQLITE_OK) {
    const std::string message = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close(handle_);
    throw Error(code_, path_ + ": " + message, "check that the folder exists and can be written");
  }
  sqlite3_busy_timeout(handle_, kBusyMs);
}

/// Whether SQLite can open what it needs beside the file.
bool Database::can_read() const {
  return sqlite3_exec(handle_, "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr) == SQLITE_OK;
}

Database::~Database() { sqlite3_close(handle_); }

void Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

void Database::empty_write_ahead_log() {
  Statement checkpoint(*this, "PRAGMA wal_checkpoint(TRUNCATE)");  // waits for the busy timeout
  const bool is_busy = checkpoint.step() && checkpoint.integer(0) != 0;
  checkpoint.reset();
  if (is_busy)
    throw Error(code_, path_ + ": another process reads it and keeps an old page, which may have what was deleted",
                "end the reader and repeat the command");
}

void Database::fail() const {
  const int error = sqlite3_errcode(handle_) & 0xff;
  const bool is_corrupt = !corrupt_code_.empty() && (error == SQLITE_CORRUPT || error == SQLITE_NOTADB ||
                                                     error == SQLITE_SCHEMA || error == SQLITE_MISMATCH);
  throw Error(is_corrupt ? corrupt_code_ : code_, path_ + ": " + sqlite3_errmsg(handle_));
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  if (sqlite3_prepare_v2(database.handle_, sql.data(), static_cast<int>(sql.size()), &handle_, nullptr) != SQLITE_OK)
    database.fail();
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int position, std::int64_t value) {
  if (sqlite3_bind_int64(handle_, position, value) != SQLITE_OK) database_.fail();
  return *this;
}

Statement& Statement::bind_text(int position, std::string_view text) {
  if (sqlite3_bind_text(handle_, position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT) != SQLITE_OK)
    database_.fail();
  return *this;
}

Statement& Statement::bind_blob(int position, std::string_view bytes) {
  if (sqlite3_bind_blob(handle_, position, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT) != SQLITE_OK)
    database_.fail();
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (sqlite3_reset(handle_) != SQLITE_OK || result != SQLITE_DONE) database_.fail();
  return false;
}

void Statement::reset() { sqlite3_reset(handle_); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return data ? std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)))
              : std::string_view();
}

}  // namespace sluice::audit
