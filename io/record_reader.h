#pragma once
/// Text records from any source: CSV, gzipped CSV, Arrow IPC. A file's length never matters to the memory it takes.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::io {

/// Whole lines, a record each, that cutting at delimiters and line ends alone takes apart: plain ASCII without a quote,
/// lines ended by LF or CRLF. A line without a byte is no record.
struct PlainLines {
  std::string_view text;  // valid until the reader's next call
  char delimiter = ',';
  std::uint64_t first_line = 0;
};

/// Records in the order of the source. Not thread-safe.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  /// The columns' names, unique.
  virtual const std::vector<std::string>& header() const = 0;

  /// The fields of the next record, one for each column, valid until the next call. False at the end, again and again.
  /// Throws Error{csv.*|arrow.*|file.read} naming the place; every record before that place has been given by then.
  virtual bool next(std::vector<std::string_view>& fields) = 0;

  /// The records that come next, as plain lines; empty where the next one is not plain, or the source has no lines.
  virtual PlainLines peek_plain_lines() { return {}; }
  /// Counts the first n_bytes of these lines, which are n_lines whole ones, as given. Throws nothing.
  virtual void skip_plain_lines(std::size_t n_bytes, std::uint64_t n_lines);

  /// Where the last record began, for messages: "loans.csv line 401".
  virtual std::string where() const = 0;
  /// The same for a line of the source.
  virtual std::string where_is(std::uint64_t line) const;

  /// Bytes taken from the source and bytes that it has (0 where unknown), as they lie on disk: compressed ones for
  /// gzip.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

/// Opens what is there by its content, not its name: CSV or an Arrow IPC stream or file, each plain or gzipped. "-" is
/// standard input. Throws Error{file.read|csv.*|arrow.*}.
std::unique_ptr<RecordReader> open_records(const std::string& path);

/// The same for bytes that are already here; `name` stands in messages.
std::unique_ptr<RecordReader> open_record_bytes(std::string_view bytes, const std::string& name);

}  // namespace sluice::io
