#include "sluice/training/infer_schema.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/io/record_reader.h"

namespace sluice::training {
namespace {

constexpr std::size_t kMaxWords = 1000;  // a column with more words is not used as a category
constexpr double kNumberShare = 0.9;     // from this share of numbers on, the texts among them are mistakes

bool is_date(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-' && parse_time(text);
}

/// The statistics of one column.
class ColumnProfile {
 public:
  void add(std::string_view text, const io::RecordReader& records) {
    if (is_missing_text(text)) {
      ++n_missing_;
      return;
    }
    ++n_texts_;
    if (const auto number = parse_number(text))
      add_number(*number);
    else if (first_text_.empty()) {
      first_text_ = text;
      first_text_place_ = records.where();
    }
    n_dates_ += is_date(text);
    if (words_.size() <= kMaxWords) ++words_[std::string(text)];
  }

  bool is_empty() const { return n_texts_ == 0; }
  bool is_constant() const { return words_.size() == 1; }
  bool is_number() const { return n_numbers_ == n_texts_; }
  bool is_date_column() const { return n_dates_ == n_texts_; }
  bool is_nearly_number() const {
    return !is_number() && static_cast<double>(n_numbers_) >= kNumberShare * static_cast<double>(n_texts_);
  }
  bool is_row_number() const { return is_number() && is_ascending_ && n_texts_ >= 100 && n_missing_ == 0; }
  bool has_too_many_words() const { return words_.size() > kMaxWords || 2 * words_.size() > n_texts_ + 20; }
  const std::string& first_text() const { return first_text_; }
  const std::string& first_text_place() const { return first_text_place_; }

  std::vector<std::string> vocabulary() const {
    std::vector<std::string> words;
    for (const auto& [word, count] : words_) words.push_back(word);
    return words;
  }

 private:
  void add_number(double number) {
    is_ascending_ = is_ascending_ && number == std::floor(number) && (n_numbers_ == 0 || number > last_number_);
    last_number_ = number;
    ++n_numbers_;
  }

  std::uint64_t n_texts_ = 0, n_missing_ = 0, n_numbers_ = 0, n_dates_ = 0;
  std::map<std::string, std::uint64_t> words_;  // ordered: the vocabulary does not depend on the rows' order
  std::string first_text_, first_text_place_;
  double last_number_ = 0;
  bool is_ascending_ = true;
};

void check_names(const InferOptions& options, const std::vector<std::string>& header, const std::string& path) {
  const auto check = [&](const std::string& name, const char* option) {
    if (name.empty() || std::find(header.begin(), header.end(), name) != header.end()) return;
    const std::string meant = nearest(name, header);
    throw Error("schema.unknown_column", path + ": " + option + " names \"" + name + "\", but there is no such column",
                meant.empty() ? "" : "did you mean \"" + meant + "\"?");
  };
  check(options.label, "--label");
  check(options.id, "--id");
  check(options.time, "--time");
  for (const auto& name : options.drop) check(name, "--drop");
  for (const auto& name : options.late) check(name, "--late");
  for (const auto& name : options.is_protected) check(name, "--protected");
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The column; null, with a warning, if it is left out.
std::unique_ptr<Column> decide_column(const std::string& name, const ColumnProfile& profile,
                                      const InferOptions& options, std::vector<std::string>& warnings) {
  auto column = std::make_unique<Column>();
  column->name = name;
  if (name == options.id) return column->kind = Kind::id, std::move(column);
  if (name == options.time) return column->kind = Kind::time, std::move(column);
  column->late = holds(options.late, name);
  column->is_protected = holds(options.is_protected, name);
  const auto leave_out = [&](const std::string& why) {
    warnings.push_back("column \"" + name + "\" " + why + "; it is left out");
    return nullptr;
  };
  if (profile.is_empty()) return leave_out("is missing in every row");
  if (profile.is_constant()) return leave_out("has one value in every row");
  if (profile.is_row_number()) {
    warnings.push_back("column \"" + name + "\" numbers the rows; it becomes an id, not a feature");
    return column->kind = Kind::id, std::move(column);
  }
  if (profile.is_number()) return column;
  if (profile.is_date_column()) {
    warnings.push_back("column \"" + name + "\" contains dates; it becomes a time, not a feature");
    return column->kind = Kind::time, std::move(column);
  }
  if (profile.is_nearly_number())
    throw Error("schema.text_in_number",
                profile.first_text_place() + ": column \"" + name + "\" contains \"" + profile.first_text() +
                    "\" among numbers",
                "list the text in missing_codes of a --schema file, or give the column the kind category there");
  if (profile.has_too_many_words()) return leave_out("has too many different texts for a category");
  column->kind = Kind::category;
  column->vocabulary = profile.vocabulary();
  return column;
}

}  // namespace

InferredSchema infer_schema(const std::string& path, const InferOptions& options, const Progress& progress) {
  const auto records = io::open_records(path, progress);
  const auto& header = records->header();
  check_names(options, header, path);
  std::vector<ColumnProfile> profiles(header.size());
  std::vector<std::string_view> fields;
  std::uint64_t n_rows = 0;
  for (; records->next(fields); ++n_rows) {
    for (std::size_t c = 0; c < fields.size(); ++c) profiles[c].add(fields[c], *records);
    if (n_rows % 4096 == 0) report(progress, "reading columns", records->bytes_read(), records->bytes_total());
  }
  if (n_rows == 0) throw Error("data.no_rows", path + ": the file has a header but no rows");
  InferredSchema inferred;
  std::vector<Column> columns;
  for (std::size_t c = 0; c < header.size(); ++c) {
    if (header[c] == options.label || holds(options.drop, header[c])) continue;
    if (auto column = decide_column(header[c], profiles[c], options, inferred.warnings))
      columns.push_back(std::move(*column));
  }
  const bool has_feature = std::any_of(columns.begin(), columns.end(), [](const Column& c) {
    return !c.late && !c.is_protected && (c.kind == Kind::number || c.kind == Kind::category);
  });
  if (!has_feature) throw Error("schema.empty", path + ": no column is left for the forest to learn from");
  inferred.schema = Schema(std::move(columns));
  return inferred;
}

}  // namespace sluice::training
