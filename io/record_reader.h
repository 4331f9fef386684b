#pragma once
/// Text records from any source: CSV, gzipped CSV, Arrow IPC. A file's length never matters to the memory it takes.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::io {

/// Records in the order of the source. Not thread-safe.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  /// The columns' names, unique.
  virtual const std::vector<std::string>& header() const = 0;

  /// The fields of the next record, one for each column, valid until the next call. False at the end, again and again.
  /// Throws Error{csv.*|arrow.*|file.read} naming the place; every record before that place has been given by then.
  virtual bool next(std::vector<std::string_view>& fields) = 0;

  /// Where the last record began, for messages: "loans.csv line 401".
  virtual std::string where() const = 0;

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
