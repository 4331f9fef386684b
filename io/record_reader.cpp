#include "sluice/io/record_reader.h"

#include "sluice/io/arrow_ipc.h"
#include "sluice/io/csv.h"
#include "sluice/io/csv/byte_source.h"

namespace sluice::io {

namespace {

std::unique_ptr<RecordReader> open_source(std::unique_ptr<ByteSource> source) {
  const std::string_view first = source->peek(6);
  // The file's magic word, or a stream's continuation mark.
  const bool is_arrow = first.starts_with("ARROW1") || first.starts_with("\xff\xff\xff\xff");
  if (is_arrow) return std::make_unique<ArrowRecordReader>(std::move(source));
  return std::make_unique<CsvReader>(std::move(source));
}

}  // namespace

void RecordReader::skip_plain_lines(std::size_t, std::uint64_t) {}
std::string RecordReader::where_is(std::uint64_t line) const { return "line " + std::to_string(line); }

std::unique_ptr<RecordReader> open_records(const std::string& path, Progress progress) {
  return open_source(std::make_unique<ByteSource>(path, std::move(progress)));
}

std::unique_ptr<RecordReader> open_record_bytes(std::string_view bytes, const std::string& name) {
  return open_source(std::make_unique<ByteSource>(name, bytes));
}

}  // namespace sluice::io
