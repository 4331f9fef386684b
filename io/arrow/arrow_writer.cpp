#include <cmath>
#include <cstring>
#include <optional>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/utf8.h"
#include "sluice/io/arrow/arrow_metadata.h"
#include "sluice/io/arrow_ipc.h"

namespace sluice::io {
namespace {

constexpr std::size_t kMaxRows = 1 << 16, kMaxTextBytes = 1 << 26;  // per batch

/// Arrow requires every buffer and message to begin at a multiple of 8.
void pad(std::string& out) { out.append((8 - out.size() % 8) % 8, '\0'); }

template <class T>
void append_bytes(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

/// One column of the batch that is being filled.
struct Builder {
  std::string validity, offsets, values;  // little-endian, as written to the body
  std::size_t n_rows = 0, n_nulls = 0;

  void end_cell(bool is_valid) {
    if (n_rows % 8 == 0) validity += '\0';
    if (is_valid) validity.back() = static_cast<char>(validity.back() | 1 << n_rows % 8);
    n_nulls += !is_valid;
    ++n_rows;
  }
  void add_buffers(arrow::Batch& batch, std::string& body, bool is_text) {
    const auto add = [&](const std::string& bytes) {
      batch.buffers.push_back({static_cast<std::int64_t>(body.size()), static_cast<std::int64_t>(bytes.size())});
      body += bytes;
      pad(body);
    };
    batch.nodes.push_back({static_cast<std::int64_t>(n_rows), static_cast<std::int64_t>(n_nulls)});
    add(n_nulls > 0 ? validity : "");
    if (is_text) add(offsets);
    add(values);
  }
};

}  // namespace

struct ArrowWriter::State {
  std::optional<AtomicFile> file;
  std::string* memory = nullptr;  // the output if there is no file
  std::vector<ArrowColumn> columns;
  std::vector<Builder> builders;
  std::size_t n_rows = 0, n_text_bytes = 0;  // of the current batch

  State(std::filesystem::path path, std::vector<ArrowColumn> c) : file(std::move(path)), columns(std::move(c)) {
    start();
  }
  State(std::string& out, std::vector<ArrowColumn> c) : memory(&out), columns(std::move(c)) { start(); }

  void start();
  void write(std::string_view bytes) {
    if (file)
      file->write(bytes);
    else
      memory->append(bytes);
  }

  void start_batch();
  Builder& begin_cell(std::size_t column, bool fits, const char* what);
  void add_null(std::size_t column);
  void write_message(std::string metadata, std::string_view body);
  void write_batch();
};

void ArrowWriter::State::start() {
  start_batch();
  write_message(arrow::encode_schema(columns), "");
}

void ArrowWriter::State::start_batch() {
  builders.assign(columns.size(), {});
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].type == ArrowColumn::Type::utf8) append_bytes(builders[i].offsets, std::int32_t{0});
  n_rows = n_text_bytes = 0;
}

Builder& ArrowWriter::State::begin_cell(std::size_t column, bool fits, const char* what) {
  if (!fits) throw Error("arrow.type", "the column \"" + columns[column].name + "\" does not accept " + what);
  if (builders[column].n_rows > n_rows)
    throw Error("arrow.type", "the column \"" + columns[column].name + "\" got two cells in one row");
  return builders[column];
}

void ArrowWriter::State::add_null(std::size_t column) {
  Builder& builder = builders[column];
  switch (columns[column].type) {
    case ArrowColumn::Type::utf8:
      append_bytes(builder.offsets, static_cast<std::int32_t>(builder.values.size()));
      break;
    case ArrowColumn::Type::float32:
      append_bytes(builder.values, 0.0f);
      break;
    case ArrowColumn::Type::float64:
      append_bytes(builder.values, 0.0);
      break;
    case ArrowColumn::Type::int64:
      append_bytes(builder.values, std::int64_t{0});
      break;
  }
  builder.end_cell(false);
}

void ArrowWriter::State::write_message(std::string metadata, std::string_view body) {
  pad(metadata);
  std::string prefix;
  append_bytes(prefix, std::uint32_t{0xffffffff});
  append_bytes(prefix, static_cast<std::int32_t>(metadata.size()));
  write(prefix);
  write(metadata);
  write(body);
}

void ArrowWriter::State::write_batch() {
  arrow::Batch batch{.n_rows = static_cast<std::int64_t>(n_rows)};
  std::string body;
  for (std::size_t i = 0; i < columns.size(); ++i)
    builders[i].add_buffers(batch, body, columns[i].type == ArrowColumn::Type::utf8);
  write_message(arrow::encode_batch(batch, static_cast<std::int64_t>(body.size())), body);
  start_batch();
}

ArrowWriter::ArrowWriter(std::filesystem::path path, std::vector<ArrowColumn> columns)
    : state_(std::make_unique<State>(std::move(path), std::move(columns))) {}

ArrowWriter::ArrowWriter(std::string& out, std::vector<ArrowColumn> columns)
    : state_(std::make_unique<State>(out, std::move(columns))) {}

ArrowWriter::~ArrowWriter() = default;

void ArrowWriter::add_double(std::size_t column, double value) {
  const auto type = state_->columns[column].type;
  Builder& builder = state_->begin_cell(
      column, type == ArrowColumn::Type::float64 || type == ArrowColumn::Type::float32, "a number with a fraction");
  if (std::isnan(value)) return state_->add_null(column);
  if (type == ArrowColumn::Type::float64)
    append_bytes(builder.values, value);
  else
    append_bytes(builder.values, static_cast<float>(value));
  builder.end_cell(true);
}

void ArrowWriter::add_text(std::size_t column, std::string_view text) {
  Builder& builder = state_->begin_cell(column, state_->columns[column].type == ArrowColumn::Type::utf8, "text");
  if (text.size() > kMaxTextBytes)
    throw Error("arrow.type", "a text of the column \"" + state_->columns[column].name + "\" is longer than 64 MiB");
  if (!is_plain_ascii(text) && !is_utf8(text))
    throw Error("arrow.type", "a text of the column \"" + state_->columns[column].name + "\" is not valid UTF-8");
  builder.values += text;
  append_bytes(builder.offsets, static_cast<std::int32_t>(builder.values.size()));
  builder.end_cell(true);
  state_->n_text_bytes += text.size();
}

void ArrowWriter::add_int(std::size_t column, std::int64_t value) {
  Builder& builder =
      state_->begin_cell(column, state_->columns[column].type == ArrowColumn::Type::int64, "a whole number");
  append_bytes(builder.values, value);
  builder.end_cell(true);
}

void ArrowWriter::end_row() {
  State& s = *state_;
  for (std::size_t i = 0; i < s.columns.size(); ++i)
    if (s.builders[i].n_rows == s.n_rows) s.add_null(i);
  ++s.n_rows;
  if (s.n_rows == kMaxRows || s.n_text_bytes >= kMaxTextBytes) s.write_batch();
}

void ArrowWriter::finish() {
  if (state_->n_rows > 0) state_->write_batch();
  state_->write_message("", "");
  if (state_->file) state_->file->commit();
}

}  // namespace sluice::io
