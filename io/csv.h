#pragma once
/// Streaming CSV (RFC 4180), plain or gzipped, and the quoting of single fields.
///
/// The first line that is not blank is the header; the delimiter is the one of `, ; TAB |` that it has most often
/// outside quotes. Line ends are LF, CRLF or CR; quoted fields may hold them. A UTF-8 byte order mark, blank lines, and
/// blanks around an unquoted field are dropped. Text is UTF-8. Memory is bounded whatever the file holds: a chunk of
/// 512 KiB and one record.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/io/record_reader.h"

namespace sluice::io {

class ByteSource;

/// Lines are counted as a text editor counts them, also within quoted fields; a record's line is the one it begins on.
/// Not thread-safe.
///
/// Errors: csv.empty (nothing but blank lines), csv.duplicate_column, csv.header_too_long (no end within 1 MiB),
/// csv.field_count, csv.field_too_long (over 1 MiB), csv.nul, csv.utf8, csv.quote (a quote left open, or one inside a
/// field that is not quoted or not doubled), csv.gzip (truncated or altered), file.read.
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
  /// Bytes held for buffers, for those who watch that they stay bounded.
  std::size_t buffer_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Appends `text` as one field, quoted where it must be to be read back as it is (RFC 4180; comma-delimited).
void append_csv_field(std::string& out, std::string_view text);

}  // namespace sluice::io
