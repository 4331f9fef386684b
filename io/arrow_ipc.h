#pragma once
/// Reads and writes Arrow IPC (Apache Arrow columnar format 1.x,
/// https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
///
/// The reader accepts the stream and the file format and returns each cell as text. It reads metadata versions V4 and
/// V5, little-endian. The writer writes streams.
/// Thread-safety: a reader or writer must be used by one thread at a time.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/io/record_reader.h"

namespace sluice::io {

class ByteSource;

/// Column types: bool ("true"/"false"), int8..uint64, float32/64 (the shortest text that reads back exactly), utf8,
/// large_utf8, dictionary-encoded utf8, date32/64 and timestamp (ISO 8601), null. Null is "". Memory: one record batch
/// and the dictionaries.
///
/// Every offset is checked before use. Errors, with file and batch: arrow.truncated (also if the end-of-stream mark is
/// missing), arrow.corrupt, arrow.type (with column and type), arrow.compressed, arrow.duplicate_column, csv.gzip,
/// file.read.
class ArrowRecordReader : public RecordReader {
 public:
  explicit ArrowRecordReader(const std::string& path);  // "-" is standard input
  explicit ArrowRecordReader(std::unique_ptr<ByteSource> source);
  ~ArrowRecordReader() override;

  const std::vector<std::string>& header() const override;
  bool next(std::vector<std::string_view>& fields) override;
  std::string where() const override;  // "loans.arrow row 17", counted from 0
  std::uint64_t bytes_read() const override;
  std::uint64_t bytes_total() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ArrowColumn {
  enum class Type { float64, float32, utf8, int64 };

  std::string name;
  Type type = Type::float64;
};

/// Writes a stream in batches of at most 65,536 rows. After `finish` the file is complete under its name; before, it is
/// absent.
///
/// A cell that was not added and a NaN are null. Throws Error{file.write}, and Error{arrow.type} if a cell does not
/// match its column's type.
class ArrowWriter {
 public:
  ArrowWriter(std::filesystem::path path, std::vector<ArrowColumn> columns);
  /// Appends to `out` instead of a file. `out` must outlive the writer.
  ArrowWriter(std::string& out, std::vector<ArrowColumn> columns);
  ~ArrowWriter();

  void add_double(std::size_t column, double value);         // float64, float32
  void add_text(std::size_t column, std::string_view text);  // utf8
  void add_int(std::size_t column, std::int64_t value);      // int64
  void end_row();
  void finish();  // call once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::io
