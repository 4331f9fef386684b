#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "sluice/base/error.h"
#include "sluice/io/arrow/arrow_array.h"
#include "sluice/io/arrow/arrow_metadata.h"
#include "sluice/io/arrow_ipc.h"
#include "sluice/io/csv/byte_source.h"

namespace sluice::io {
namespace {

constexpr std::string_view kFileMagic = "ARROW1";
constexpr std::uint32_t kContinuation = 0xffffffff;
constexpr std::size_t kStepBytes = 1 << 20;

}  // namespace

// Both formats are read front to back: a file is a stream between a magic word and a footer. An encapsulated message:
//
//   ff ff ff ff | metadata bytes (int32) | metadata, padded to 8 | body
//
// and a length of 0 ends the stream.
struct ArrowRecordReader::State {
  std::unique_ptr<ByteSource> source;
  bool is_file = false;
  std::vector<arrow::Field> fields;
  std::vector<std::string> header;
  std::map<std::int64_t, arrow::Dictionary> dictionaries;

  std::vector<char> metadata, body;
  arrow::Message message;
  std::vector<arrow::Array> arrays;
  std::size_t next_row = 0, n_rows = 0;  // within the batch
  std::uint64_t rows_read = 0, n_messages = 0;
  bool is_at_end = false;
  std::string scratch;

  void open();
  bool read_message();
  void read_bytes(std::vector<char>& out, std::size_t n_bytes);
  void read_fields();
  void read_dictionary();
  void read_batch();
  void read_to_end();
  [[noreturn]] void truncated(const std::string& what) const {
    throw Error("arrow.truncated", place() + ": " + what, "the writer did not finish, or the copy is incomplete");
  }
  std::string place() const { return source->name() + " message " + std::to_string(n_messages); }
};

void ArrowRecordReader::State::open() {
  is_file = source->peek(kFileMagic.size()) == kFileMagic;
  char magic[8];
  if (is_file && source->read(magic, sizeof magic) != sizeof magic) truncated("the file ends after its magic word");
  if (!read_message() || message.kind != arrow::Message::Kind::schema)
    throw Error("arrow.corrupt", source->name() + ": the first message is not a schema",
                "is this an Arrow IPC stream or file?");
  read_fields();
}

/// Lengths in a damaged file can have any value: memory is allocated as the bytes arrive.
void ArrowRecordReader::State::read_bytes(std::vector<char>& out, std::size_t n_bytes) {
  out.clear();
  while (out.size() < n_bytes) {
    const std::size_t begin = out.size(), step = std::min(kStepBytes, n_bytes - begin);
    out.resize(begin + step);
    if (source->read(out.data() + begin, step) < step) truncated("the data ends within a message");
  }
}

bool ArrowRecordReader::State::read_message() {
  std::uint32_t prefix[2];
  const std::size_t n = source->read(reinterpret_cast<char*>(prefix), sizeof prefix);
  if (n == 0) truncated("the end-of-stream mark is missing");
  if (n < sizeof prefix) truncated("the data ends within a message");
  if (prefix[0] != kContinuation || prefix[1] > 0x7fffffff)
    throw Error("arrow.corrupt", place() + ": expected the start of a message",
                "write the file again, with Arrow 0.15 or later");
  if (prefix[1] == 0) return false;
  read_bytes(metadata, prefix[1]);
  message = arrow::decode_message({metadata.data(), metadata.size()}, place());
  read_bytes(body, static_cast<std::size_t>(message.body_bytes));
  ++n_messages;
  return true;
}

void ArrowRecordReader::State::read_fields() {
  fields = std::move(message.fields);
  if (fields.empty()) throw Error("arrow.corrupt", source->name() + ": the schema has no columns");
  std::set<std::string> names;
  for (const auto& field : fields) {
    if (!names.insert(field.name).second)
      throw Error("arrow.duplicate_column", source->name() + ": two columns are named \"" + field.name + "\"",
                  "rename one of them");
    header.push_back(field.name);
  }
  scratch.reserve(fields.size() * arrow::Array::kMaxNumberBytes);
}

void ArrowRecordReader::State::read_dictionary() {
  const auto field =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.dictionary == message.dictionary_id; });
  const std::string where = place();
  if (field == fields.end()) throw Error("arrow.corrupt", where + ": no column uses this dictionary");
  arrow::BatchCursor cursor(message.batch, {body.data(), body.size()}, where);
  const arrow::Field values_field{.name = field->name,
                                  .type = field->is_large_dictionary ? arrow::Type::large_utf8 : arrow::Type::utf8};
  const arrow::Array values(values_field, cursor, nullptr);
  cursor.finish();
  auto& dictionary = dictionaries[message.dictionary_id];
  if (!message.is_delta) dictionary.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(message.batch.n_rows); ++i)
    dictionary.emplace_back(values.text(i, scratch));
}

void ArrowRecordReader::State::read_batch() {
  const std::string where = place();
  arrow::BatchCursor cursor(message.batch, {body.data(), body.size()}, where);
  arrays.clear();
  for (const auto& field : fields) {
    const auto dictionary = field.dictionary ? dictionaries.find(*field.dictionary) : dictionaries.end();
    if (field.dictionary && dictionary == dictionaries.end())
      cursor.corrupt("the dictionary of the column \"" + field.name + "\" must come before the batch");
    arrays.emplace_back(field, cursor, field.dictionary ? &dictionary->second : nullptr);
  }
  cursor.finish();
  next_row = 0;
  n_rows = static_cast<std::size_t>(message.batch.n_rows);
}

/// A stream ends with its mark. A file continues with a footer, which repeats what was read, and the magic word.
void ArrowRecordReader::State::read_to_end() {
  is_at_end = true;
  char step[4096];
  std::string tail;
  for (std::size_t n = sizeof step; n == sizeof step;) {
    n = source->read(step, sizeof step);
    tail.append(step, n);
    if (tail.size() > kFileMagic.size()) tail.erase(0, tail.size() - kFileMagic.size());
  }
  if (is_file && tail != kFileMagic) truncated("the footer is missing");
  if (!is_file && !tail.empty()) throw Error("arrow.corrupt", place() + ": bytes follow the end-of-stream mark");
}

ArrowRecordReader::ArrowRecordReader(const std::string& path) : ArrowRecordReader(std::make_unique<ByteSource>(path)) {}
ArrowRecordReader::ArrowRecordReader(std::unique_ptr<ByteSource> source) : state_(std::make_unique<State>()) {
  state_->source = std::move(source);
  state_->open();
}
ArrowRecordReader::~ArrowRecordReader() = default;

bool ArrowRecordReader::next(std::vector<std::string_view>& fields) {
  State& s = *state_;
  while (s.next_row == s.n_rows) {
    if (s.is_at_end) return false;
    if (!s.read_message())
      s.read_to_end();
    else if (s.message.kind == arrow::Message::Kind::batch)
      s.read_batch();
    else if (s.message.kind == arrow::Message::Kind::dictionary)
      s.read_dictionary();
    else
      throw Error("arrow.corrupt", s.place() + ": a second schema");
  }
  s.scratch.clear();
  ++s.rows_read;
  fields.resize(s.arrays.size());
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = s.arrays[i].text(s.next_row, s.scratch);
  ++s.next_row;
  return true;
}

const std::vector<std::string>& ArrowRecordReader::header() const { return state_->header; }
std::string ArrowRecordReader::where() const {
  return state_->source->name() + " row " + std::to_string(state_->rows_read - (state_->rows_read > 0));
}
std::uint64_t ArrowRecordReader::bytes_read() const { return state_->source->bytes_read(); }
std::uint64_t ArrowRecordReader::bytes_total() const { return state_->source->bytes_total(); }

}  // namespace sluice::io
