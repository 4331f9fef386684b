#include "sluice/io/rows.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/io/csv/plain_rows.h"

namespace sluice::io {
namespace {

constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// "a", "b" and 3 more.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i > 0 ? ", " : "") + quote(names[i]);
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), same);
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

struct RowReader::State {
  struct Unseen {
    std::uint64_t count = 0;
    std::string first;
  };

  std::unique_ptr<RecordReader> records;
  Schema schema;
  RowReaderOptions options;

  std::vector<std::size_t> source;  // the record's field for each schema column
  std::size_t label = kAbsent, id = kAbsent;
  std::vector<std::size_t> extras;
  std::optional<double> positive_number;

  std::vector<std::string_view> fields;
  std::uint64_t rows_read = 0;
  std::vector<std::string> warnings;
  std::size_t n_binding_warnings = 0;  // the first of `warnings`; warnings about unseen categories follow
  std::vector<Unseen> unseen;
  std::optional<PlainRows> plain_rows;

  void bind();
  void warn_of_absent(std::size_t column);
  void warn_of_ignored();
  void warn_of_unseen();
  std::vector<FieldUse> field_uses() const;
  void prepare_plain_rows();
  bool read_plain_rows(RowBlock& block, std::size_t max_rows);
  bool read_row(RowBlock& block);
  void read_cell(std::size_t column, std::string_view text, double& cell);
  float read_label(std::string_view text) const;
};

void RowReader::State::bind() {
  const auto& header = records->header();
  std::vector<std::string> missing, hints;
  const auto find = [&](const std::string& name, bool is_needed) {
    const auto it = std::find(header.begin(), header.end(), name);
    if (it != header.end()) return static_cast<std::size_t>(it - header.begin());
    if (is_needed && std::find(missing.begin(), missing.end(), name) == missing.end()) {
      missing.push_back(name);
      const std::string meant = nearest(name, header);
      if (!meant.empty()) hints.push_back("did you mean " + quote(name) + " by " + quote(meant) + "?");
    }
    return kAbsent;
  };
  for (const Column& c : schema.columns()) {
    const bool is_for_models = (c.kind == Kind::number || c.kind == Kind::category) && !c.is_protected;
    source.push_back(find(c.name, is_for_models && !(c.late && options.late_may_be_absent)));
  }
  if (!options.label_column.empty()) label = find(options.label_column, true);
  if (!options.id_column.empty()) id = find(options.id_column, true);
  for (const auto& name : options.extra_columns) extras.push_back(find(name, true));
  if (missing.empty()) return;
  std::string hint = "the columns are: " + listed(header);
  for (const auto& line : hints) hint += "; " + line;
  throw Error("rows.missing_column",
              records->where() + (missing.size() == 1 ? ": missing column " : ": missing columns ") + listed(missing),
              hint);
}

void RowReader::State::warn_of_absent(std::size_t column) {
  const Column& c = schema[column];
  const std::string effect = c.late ? "the network works without it" : "no model reads it";
  if (source[column] == kAbsent)
    warnings.push_back("the data has no column " + quote(c.name) + ": its cells read as missing (" + effect + ")");
}

void RowReader::State::warn_of_ignored() {
  const auto& header = records->header();
  std::vector<std::string> ignored;
  for (std::size_t field = 0; field < header.size(); ++field) {
    const bool is_used =
        field == label || field == id ||
        std::count(extras.begin(), extras.end(), field) + std::count(source.begin(), source.end(), field) > 0;
    if (!is_used) ignored.push_back(header[field]);
  }
  if (!ignored.empty())
    warnings.push_back(std::to_string(ignored.size()) + (ignored.size() == 1 ? " column is" : " columns are") +
                       " not in the schema and ignored: " + listed(ignored));
}

void RowReader::State::warn_of_unseen() {
  warnings.resize(n_binding_warnings);
  for (std::size_t i = 0; i < unseen.size(); ++i)
    if (unseen[i].count > 0)
      warnings.push_back("column " + quote(schema[i].name) + ": " + std::to_string(unseen[i].count) +
                         (unseen[i].count == 1 ? " row has a category" : " rows have a category") +
                         " that is not in the training data, first " + unseen[i].first);
}

void RowReader::State::read_cell(std::size_t column, std::string_view text, double& cell) {
  const CellStatus status = schema.parse_cell(column, text, cell);
  if (status == CellStatus::ok || status == CellStatus::missing) return;
  const Column& c = schema[column];
  if (status == CellStatus::unseen_category) {
    if (unseen[column].count++ == 0) unseen[column].first = quote(text) + " at " + records->where();
    return;
  }
  throw Error(
      "rows.not_a_number",
      records->where() + ", column " + quote(c.name) + ": " + quote(text) +
          (c.kind == Kind::time ? " is not a time" : " is not a number"),
      c.kind == Kind::time
          ? "times are ISO 8601 (2018-04-01T13:05:59Z) or seconds since 1970"
          : "if it means missing, add it to the column's missing_codes in the schema; or make the column a category");
}

std::optional<float> plain_label(std::string_view text) {
  for (const std::string_view yes : {"1", "true", "yes"})
    if (equals_ignoring_case(text, yes)) return 1.0f;
  for (const std::string_view no : {"0", "false", "no"})
    if (equals_ignoring_case(text, no)) return 0.0f;
  const auto number = parse_number(text);
  if (number == 1.0 || number == 0.0) return static_cast<float>(*number);
  return std::nullopt;
}

float RowReader::State::read_label(std::string_view text) const {
  text = without_blanks(text);
  const bool is_told = !options.positive.empty();
  if (is_told && text == options.positive) return 1.0f;
  const bool is_missing = is_missing_text(text);
  if (is_told && !is_missing) return positive_number && parse_number(text) == positive_number ? 1.0f : 0.0f;
  if (!is_missing)
    if (const auto value = plain_label(text)) return *value;
  const std::string place = records->where() + ", column " + quote(options.label_column);
  if (is_missing)
    throw Error("rows.label_missing", place + ": the label is missing", "remove the rows without a label");
  throw Error("rows.label", place + ": " + quote(text) + " is neither 0 nor 1",
              "give the text that means 1: --positive " + quote(text));
}

std::vector<FieldUse> RowReader::State::field_uses() const {
  std::vector<FieldUse> uses(records->header().size());
  for (std::size_t i = 0; i < source.size(); ++i)
    if (source[i] != kAbsent) uses[source[i]].column = static_cast<std::uint32_t>(i);
  if (label != kAbsent) uses[label].is_label = true;
  if (id != kAbsent) uses[id].is_id = true;
  for (std::size_t i = 0; i < extras.size(); ++i) uses[extras[i]].extra = static_cast<std::uint32_t>(i);
  for (FieldUse& use : uses)
    use.is_plain_number = use.column != FieldUse::kNowhere && schema[use.column].kind == Kind::number &&
                          schema[use.column].missing_codes.empty() && !use.is_label && !use.is_id &&
                          use.extra == FieldUse::kNowhere;
  return uses;
}

/// False if a field has two uses of one kind, which FieldUse cannot represent.
void RowReader::State::prepare_plain_rows() {
  auto sorted = extras;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return;
  plain_rows.emplace(schema, field_uses(), [this](std::string_view text) { return read_label(text); }, options.pool);
}

/// False if the next lines must be read record by record.
bool RowReader::State::read_plain_rows(RowBlock& block, std::size_t max_rows) {
  if (!plain_rows) return false;
  const PlainLines lines = records->peek_plain_lines();
  if (lines.text.empty()) return false;
  const std::size_t n_before = block.rows.n_rows();
  const PlainRows::Taken taken = plain_rows->read(lines, max_rows - n_before, block);
  if (taken.n_bytes == 0) return false;
  records->skip_plain_lines(taken.n_bytes, taken.n_lines);
  for (std::size_t row = n_before; row < block.rows.n_rows(); ++row)
    for (std::size_t i = 0; i < source.size(); ++i)
      if (source[i] == kAbsent) block.rows.row(row)[i] = kMissing;
  for (const UnseenCell& cell : taken.unseen)
    if (unseen[cell.column].count++ == 0)
      unseen[cell.column].first = quote(cell.text) + " at " + records->where_is(cell.line);
  rows_read += taken.n_rows;
  return true;
}

bool RowReader::State::read_row(RowBlock& block) {
  if (!records->next(fields)) return false;
  const auto row = block.rows.append();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (source[i] == kAbsent)
      row[i] = kMissing;
    else
      read_cell(i, fields[source[i]], row[i]);
  }
  if (label != kAbsent) block.labels.push_back(read_label(fields[label]));
  if (id != kAbsent) block.ids.emplace_back(fields[id]);
  for (std::size_t i = 0; i < extras.size(); ++i) block.extras[i].emplace_back(fields[extras[i]]);
  ++rows_read;
  return true;
}

RowReader::RowReader(std::unique_ptr<RecordReader> records, Schema schema, RowReaderOptions options)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.records = std::move(records);
  s.schema = std::move(schema);
  s.options = std::move(options);
  s.positive_number = parse_number(s.options.positive);
  s.unseen.resize(s.schema.size());
  s.bind();
  for (std::size_t i = 0; i < s.schema.size(); ++i) s.warn_of_absent(i);
  s.warn_of_ignored();
  s.n_binding_warnings = s.warnings.size();
  s.prepare_plain_rows();
}

RowReader::~RowReader() = default;

bool RowReader::next(RowBlock& block, std::size_t max_rows) {
  State& s = *state_;
  if (block.rows.n_columns() != s.schema.size()) block.rows = Table(s.schema.size());
  block.rows.clear();
  block.labels.clear();
  block.ids.clear();
  block.extras.resize(s.extras.size());
  for (auto& texts : block.extras) texts.clear();
  block.first_row = s.rows_read;
  while (block.rows.n_rows() < max_rows && (s.read_plain_rows(block, max_rows) || s.read_row(block))) continue;
  s.warn_of_unseen();
  return block.rows.n_rows() > 0;
}

const std::vector<std::string>& RowReader::warnings() const { return state_->warnings; }
const Schema& RowReader::schema() const { return state_->schema; }
std::uint64_t RowReader::rows_read() const { return state_->rows_read; }
std::uint64_t RowReader::bytes_read() const { return state_->records->bytes_read(); }
std::uint64_t RowReader::bytes_total() const { return state_->records->bytes_total(); }

}  // namespace sluice::io
