#pragma once
/// Text records from any source: CSV, gzipped CSV, Arrow IPC. Memory use does not depend on the file's length.
/// Thread-safety: a reader must be used by one thread at a time; functions are thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/progress.h"

namespace sluice::io {

/// Whole lines of one record each that can be split at delimiters and line ends alone: plain ASCII without a quote,
/// lines ended by LF or CRLF. An empty line is not a record.
struct PlainLines {
  std::string_view text;  // valid until the reader's next call
  char delimiter = ',';
  std::uint64_t first_line = 0;
};

/// Records in the order of the source.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  /// The column names, unique.
  virtual const std::vector<std::string>& header() const = 0;

  /// The fields of the next record, one for each column, valid until the next call. At the end it returns false, also
  /// if called again. Throws Error{csv.*|arrow.*|file.read} with the place, after it has returned every record before
  /// it.
  virtual bool next(std::vector<std::string_view>& fields) = 0;

  /// The next records as plain lines; empty if the next record is not plain, or the source has no lines.
  virtual PlainLines peek_plain_lines() { return {}; }
  /// Marks the first n_bytes of these lines, which are n_lines whole lines, as read. Does not throw.
  virtual void skip_plain_lines(std::size_t n_bytes, std::uint64_t n_lines);

  /// Where the last record began, for messages: "loans.csv line 401".
  virtual std::string where() const = 0;
  /// The same for a line of the source.
  virtual std::string where_is(std::uint64_t line) const;

  /// Bytes read from the source, and its size (0 if unknown), both as stored on disk: compressed bytes for gzip.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

/// Detects the format by content, not by name: CSV or an Arrow IPC stream or file, each plain or gzipped. "-" is
/// standard input. While a pipe has nothing to read, `progress` is called every 50 ms and may stop the wait. Throws
/// Error{file.read|csv.*|arrow.*|interrupted}, as every later read does.
std::unique_ptr<RecordReader> open_records(const std::string& path, Progress progress = {});

/// The same for bytes in memory; `name` is used in messages.
std::unique_ptr<RecordReader> open_record_bytes(std::string_view bytes, const std::string& name);

}  // namespace sluice::io
