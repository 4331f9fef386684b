#pragma once
/// Streaming CSV reader (RFC 4180), plain or gzipped, and the quoting of single fields.
///
/// The first line that is not blank is the header. The delimiter is whichever of `, ; TAB |` occurs most often in the
/// header outside quotes. Line ends are LF, CRLF or CR; quoted fields may contain them. A UTF-8 byte order mark, blank
/// lines, and blanks around an unquoted field are dropped. Text is UTF-8. Memory is bounded for every file: a chunk of
/// 512 KiB and one record.
/// Thread-safety: a reader must be used by one thread at a time; functions are thread-safe.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/io/record_reader.h"

namespace sluice::io {

class ByteSource;

/// Lines are counted as in a text editor, also within quoted fields. A record's line is the one that it begins on.
///
/// Errors: csv.empty (only blank lines), csv.duplicate_column, csv.header_too_long (more than 1 MiB), csv.field_count,
/// csv.field_too_long (more than 1 MiB), csv.nul, csv.utf8, csv.quote (an unclosed quote, or one inside a field that is
/// not quoted or not doubled), csv.gzip (truncated or altered), file.read.
class CsvReader : public RecordReader {
 public:
  /// "-" is standard input.
  explicit CsvReader(const std::string& path);
  explicit CsvReader(std::unique_ptr<ByteSource> source);
  ~CsvReader() override;

  const std::vector<std::string>& header() const override;
  bool next(std::vector<std::string_view>& fields) override;
  PlainLines peek_plain_lines() override;
  void skip_plain_lines(std::size_t n_bytes, std::uint64_t n_lines) override;
  std::string where() const override;
  std::string where_is(std::uint64_t line) const override;
  std::uint64_t bytes_read() const override;
  std::uint64_t bytes_total() const override;

  char delimiter() const;
  /// Bytes allocated for buffers. Tests check that it stays bounded.
  std::size_t buffer_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Appends `text` as one field, quoted if necessary to read back unchanged (RFC 4180; comma-delimited).
void append_csv_field(std::string& out, std::string_view text);

}  // namespace sluice::io
