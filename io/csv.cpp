#include "sluice/io/csv.h"

#include <csv.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "sluice/base/error.h"
#include "sluice/base/utf8.h"
#include "sluice/io/csv/byte_source.h"

namespace sluice::io {
namespace {

constexpr std::size_t kReadBytes = 1 << 19;
/// Bytes parsed at once: small enough for the fields to stay in the cache.
constexpr std::size_t kChunkBytes = 1 << 16;
constexpr std::size_t kMaxFieldBytes = 1 << 20;
constexpr std::size_t kMaxHeaderBytes = 1 << 20;
constexpr std::string_view kDelimiters = ",;\t|";

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

char find_delimiter(std::string_view text) {
  const auto first = text.find_first_not_of("\r\n");
  std::array<std::size_t, kDelimiters.size()> counts{};
  bool is_quoted = false;
  for (const char c : text.substr(std::min(first, text.size()))) {
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (c == '\n' || c == '\r') break;
    if (const auto d = kDelimiters.find(c); d != std::string_view::npos) ++counts[d];
  }
  return kDelimiters[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())];
}

bool has_lone_cr(std::string_view text) {
  for (auto at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1))
    if (at + 1 == text.size() || text[at + 1] != '\n') return true;
  return false;
}

std::uint64_t count_line_ends(std::string_view text) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    n += text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
  return n;
}

}  // namespace

// libcsv calls back for each field and each line end of a chunk. The results are kept here until `next` returns them:
//
//   text     A n n 3 1 B o 4 7 …                the fields, concatenated
//   ends           3   5   7   9 …              where each field ends
//   records  {0, line 2}  {2, line 3} …         each record's first field
//
// A record that the chunk's end splits moves to the front when the next chunk is parsed. A fault is kept in `failure`
// until all records before it have been returned. What a caller sees thus does not depend on where chunks end.
struct CsvReader::State {
  struct Record {
    std::size_t first_field;
    std::uint64_t line;
  };

  std::unique_ptr<ByteSource> source;
  csv_parser parser{};
  char delimiter = ',';
  std::vector<char> bytes = std::vector<char>(kReadBytes);
  std::string_view pending;       // of `bytes`: read but not yet parsed
  bool is_source_at_end = false;  // no bytes follow `pending`
  bool is_at_line_start = false;  // the parsed text ends with a line end outside quotes
  std::vector<std::string> header;

  std::string text;
  std::vector<std::size_t> ends;
  std::vector<Record> records;
  std::size_t next_record = 0;
  std::optional<Error> failure;
  bool is_at_end = false;

  Record open{0, 1};         // the record being parsed
  std::size_t n_fields = 0;  // its fields so far
  std::uint64_t line = 1;
  std::uint64_t last_line = 1;  // of the last returned record
  bool after_cr = false;
  bool has_quotes = false;     // after the first quote, fields may contain line ends
  bool has_odd_bytes = false;  // after the first NUL or byte above 0x7f, fields are checked

  explicit State(std::unique_ptr<ByteSource> bytes);
  ~State() { csv_free(&parser); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void read_header();
  void refill();
  std::size_t parse_chunk();  // returns the number of bytes
  void drop_given();
  void add_field(std::string_view field);
  void end_line(int terminator);
  void end_record();
  void take_header();
  void check_parser();
  void fail(const char* code, const std::string& message, const std::string& hint, std::size_t column = 0);

  std::string at(std::uint64_t number) const { return source->name() + " line " + std::to_string(number); }
  std::string_view field(std::size_t i) const {
    const std::size_t begin = i > 0 ? ends[i - 1] : 0;
    return {text.data() + begin, ends[i] - begin};
  }
};

CsvReader::State::State(std::unique_ptr<ByteSource> bytes) : source(std::move(bytes)) {
  std::string_view first = source->peek(kChunkBytes);
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  char mark[kByteOrderMark.size()];
  if (first.starts_with(kByteOrderMark)) first.remove_prefix(source->read(mark, sizeof mark));
  delimiter = find_delimiter(first);
  csv_init(&parser,
           CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);  // every line end is reported: it counts lines
  csv_set_blk_size(&parser, kChunkBytes);
  csv_set_delim(&parser, static_cast<unsigned char>(delimiter));
}

void CsvReader::State::fail(const char* code, const std::string& message, const std::string& hint, std::size_t column) {
  if (failure) return;
  std::string place = at(open.line);
  if (column > 0) place += ", column " + std::to_string(column);
  if (column > 0 && column <= header.size()) place += " (\"" + header[column - 1] + "\")";
  failure.emplace(code, place + ": " + message, hint);
}

void CsvReader::State::add_field(std::string_view field) {
  if (failure) return;
  if (n_fields++ == 0) open = {ends.size(), line};
  after_cr = false;
  if (has_quotes) line += count_line_ends(field);
  // Only count: the record is rejected at its end.
  if (!header.empty() && n_fields > header.size()) return;
  if (field.size() > kMaxFieldBytes)
    return fail("csv.field_too_long", "the field is longer than 1 MiB", "is a closing quote missing?", n_fields);
  if (has_odd_bytes && field.find('\0') != std::string_view::npos)
    return fail("csv.nul", "the field contains a NUL byte", "text must be UTF-8; was the file saved as UTF-16?",
                n_fields);
  if (has_odd_bytes && !is_utf8(field))
    return fail("csv.utf8", "the field is not valid UTF-8", "save the file as UTF-8, e.g. iconv -f latin1 -t utf8",
                n_fields);
  text.append(field);
  ends.push_back(text.size());
}

void CsvReader::State::end_record() {
  if (failure || n_fields == 0) return;
  if (header.empty()) return take_header();
  if (n_fields != header.size()) {
    const std::string found = std::to_string(n_fields) + (n_fields == 1 ? " field" : " fields");
    return fail("csv.field_count", found + ", the header has " + std::to_string(header.size()),
                "quote a field that contains the delimiter");
  }
  records.push_back(open);
  n_fields = 0;
}

void CsvReader::State::take_header() {
  std::unordered_map<std::string, std::size_t> columns;
  for (std::size_t i = 0; i < n_fields; ++i) {
    const auto [first, is_new] = columns.emplace(without_blanks(field(i)), i + 1);
    if (!is_new)
      return fail("csv.duplicate_column",
                  "the name \"" + first->first + "\" is already used by column " + std::to_string(first->second),
                  "rename one of them", i + 1);
  }
  header.resize(n_fields);
  for (const auto& [name, column] : columns) header[column - 1] = name;
  text.clear();
  ends.clear();
  n_fields = 0;
}

void CsvReader::State::end_line(int terminator) {
  end_record();
  const bool is_second_half = terminator == '\n' && after_cr;
  if (!is_second_half) ++line;
  after_cr = terminator == '\r';
}

void CsvReader::State::drop_given() {
  const std::size_t first_field = n_fields > 0 ? open.first_field : ends.size();
  const std::size_t first_byte = first_field > 0 ? ends[first_field - 1] : 0;
  text.erase(0, first_byte);
  ends.erase(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(first_field));
  for (auto& end : ends) end -= first_byte;
  open.first_field = 0;
  records.clear();
  next_record = 0;
}

void CsvReader::State::check_parser() {
  if (n_fields == 0) open.line = line;
  if (csv_error(&parser) == CSV_EPARSE)
    fail("csv.quote", "a quote is misplaced or never closed", "quote the whole field and double each quote in it",
         n_fields + 1);
  else if (csv_error(&parser) != CSV_SUCCESS)
    fail("csv.memory", csv_strerror(csv_error(&parser)), "");
  else if (parser.entry_pos > kMaxFieldBytes)
    fail("csv.field_too_long", "the field is longer than 1 MiB", "is a closing quote missing?", n_fields + 1);
}

/// Moves the pending bytes to the front and reads more.
void CsvReader::State::refill() {
  if (!pending.empty()) std::memmove(bytes.data(), pending.data(), pending.size());
  const std::size_t n_room = bytes.size() - pending.size();
  const std::size_t n = source->read(bytes.data() + pending.size(), n_room);
  is_source_at_end = n < n_room;
  pending = {bytes.data(), pending.size() + n};
}

/// Parses up to the last line end of a chunk, so that plain lines can follow; all of a chunk without a line end.
std::size_t CsvReader::State::parse_chunk() {
  drop_given();
  const auto on_field = [](void* data, std::size_t size, void* self) {
    static_cast<State*>(self)->add_field({static_cast<const char*>(data), size});
  };
  const auto on_line_end = [](int terminator, void* self) { static_cast<State*>(self)->end_line(terminator); };
  if (pending.size() < kChunkBytes && !is_source_at_end) refill();
  std::string_view chunk = pending.substr(0, kChunkBytes);
  const auto end = header.empty() ? chunk.find('\n') : chunk.rfind('\n');
  if (end != std::string_view::npos) chunk = chunk.substr(0, end + 1);
  pending.remove_prefix(chunk.size());
  has_quotes = has_quotes || chunk.find('"') != std::string_view::npos;
  has_odd_bytes = has_odd_bytes || !is_plain_ascii(chunk);
  csv_parse(&parser, chunk.data(), chunk.size(), on_field, on_line_end, this);
  is_at_line_start = end != std::string_view::npos && parser.quoted == 0 && parser.entry_pos == 0 && n_fields == 0;
  is_at_end = is_source_at_end && pending.empty();
  if (is_at_end && csv_error(&parser) == CSV_SUCCESS) csv_fini(&parser, on_field, on_line_end, this);
  check_parser();
  return chunk.size();
}

void CsvReader::State::read_header() {
  std::size_t n_left = kMaxHeaderBytes;
  while (header.empty() && !failure && !is_at_end) {
    if (n_left == 0)
      fail("csv.header_too_long", "the header does not end within 1 MiB",
           "is this a CSV file with a line for each record?");
    else
      n_left -= std::min(n_left, parse_chunk());
  }
  if (header.empty() && failure) throw *failure;
  if (header.empty())
    throw Error("csv.empty", source->name() + ": the file is empty", "the first line must contain the column names");
}

CsvReader::CsvReader(const std::string& path) : CsvReader(std::make_unique<ByteSource>(path)) {}
CsvReader::CsvReader(std::unique_ptr<ByteSource> source) : state_(std::make_unique<State>(std::move(source))) {
  state_->read_header();
}
CsvReader::~CsvReader() = default;

bool CsvReader::next(std::vector<std::string_view>& fields) {
  State& s = *state_;
  while (s.next_record == s.records.size()) {
    if (s.failure) throw *s.failure;
    if (s.is_at_end) return false;
    s.parse_chunk();
  }
  const State::Record& record = s.records[s.next_record++];
  s.last_line = record.line;
  fields.resize(s.header.size());
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = s.field(record.first_field + i);
  return true;
}

PlainLines CsvReader::peek_plain_lines() {
  State& s = *state_;
  if (s.next_record < s.records.size() || s.failure || !s.is_at_line_start || s.header.size() < 2) return {};
  if (s.pending.size() < kReadBytes / 2 && !s.is_source_at_end) s.refill();
  // Empty if there is no line end.
  const std::string_view text = s.pending.substr(0, s.pending.rfind('\n') + 1);
  const std::string_view plain = text.substr(0, text.substr(0, text.find('"')).rfind('\n') + 1);
  if (plain.empty() || !is_plain_ascii(plain) || has_lone_cr(plain)) return {};
  return {plain, s.delimiter, s.line};
}

void CsvReader::skip_plain_lines(std::size_t n_bytes, std::uint64_t n_lines) {
  State& s = *state_;
  s.pending.remove_prefix(n_bytes);
  s.last_line = s.line + n_lines - 1;
  s.line += n_lines;
  s.is_at_end = s.is_source_at_end && s.pending.empty();
}

const std::vector<std::string>& CsvReader::header() const { return state_->header; }
std::string CsvReader::where() const { return state_->at(state_->last_line); }
std::string CsvReader::where_is(std::uint64_t line) const { return state_->at(line); }
std::uint64_t CsvReader::bytes_read() const { return state_->source->bytes_read(); }
std::uint64_t CsvReader::bytes_total() const { return state_->source->bytes_total(); }
char CsvReader::delimiter() const { return state_->delimiter; }

std::size_t CsvReader::buffer_bytes() const {
  State& s = *state_;
  return s.bytes.capacity() + s.text.capacity() + s.ends.capacity() * sizeof s.ends[0] +
         s.records.capacity() * sizeof s.records[0] + csv_get_buffer_size(&s.parser);
}

void append_csv_field(std::string& out, std::string_view text) {
  const bool has_blank_ends =
      !text.empty() && (text.front() == ' ' || text.front() == '\t' || text.back() == ' ' || text.back() == '\t');
  if (!has_blank_ends && text.find_first_of(",\"\r\n;\t|") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace sluice::io
