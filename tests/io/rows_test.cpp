#include "sluice/io/rows.h"

#include <cmath>
#include <cstdlib>

#include "io_support.h"
#include "sluice/io/csv.h"
#include "support/shared_data.h"

using namespace sluice;
using namespace sluice::io;
using test::require_error;
using test::TempDir;
using test::written;

namespace {

Schema loans() {
  return Schema({{.name = "amount", .missing_codes = {"-1"}},
                 {.name = "country", .kind = Kind::category, .vocabulary = {"DE", "NL"}},
                 {.name = "bureau", .late = true},
                 {.name = "age", .is_protected = true},
                 {.name = "at", .kind = Kind::time}});
}

RowReader reader_of(const TempDir& folder, std::string_view text, RowReaderOptions options = {}) {
  return RowReader(open_records(written(folder, "loans.csv", text).string()), loans(), std::move(options));
}

RowBlock all_rows(RowReader&& reader) {
  RowBlock block;
  reader.next(block, 1'000'000);
  return block;
}

bool has_warning(const RowReader& reader, const std::string& part) {
  for (const auto& warning : reader.warnings())
    if (warning.find(part) != std::string::npos) return true;
  return false;
}

std::vector<float> labels_of(const TempDir& folder, const std::string& column, const std::string& positive = "") {
  return all_rows(reader_of(folder, "amount,country,y\n" + column, {.label_column = "y", .positive = positive})).labels;
}

}  // namespace

TEST_CASE("columns are bound by name, in the schema's order") {
  const TempDir folder;
  RowReader reader =
      reader_of(folder, "who,at,country,age,bureau,y,amount\nann,1970-01-02,NL,30,0.5,1,100\nbob,,XX,,,0,-1\n",
                {.label_column = "y", .id_column = "who", .extra_columns = {"country", "age"}});
  RowBlock block;
  REQUIRE(reader.next(block));
  REQUIRE(block.rows.n_rows() == 2);
  const auto first = block.rows.row(0), second = block.rows.row(1);
  REQUIRE(std::vector<double>(first.begin(), first.end()) == std::vector<double>{100, 1, 0.5, 30, 86400});
  REQUIRE(std::isnan(second[0]));
  REQUIRE(second[1] == 2);  // not in the vocabulary
  REQUIRE(std::isnan(second[2]));
  REQUIRE(block.labels == std::vector<float>{1, 0});
  REQUIRE(block.ids == std::vector<std::string>{"ann", "bob"});
  REQUIRE(block.extras == std::vector<std::vector<std::string>>{{"NL", "XX"}, {"30", ""}});
  REQUIRE(reader.warnings().size() == 1);
  REQUIRE(has_warning(reader, "\"country\": 1 row has a category that is not in the training data, first \"XX\" at "));
  REQUIRE(has_warning(reader, "loans.csv line 3"));
  REQUIRE_FALSE(reader.next(block));
  REQUIRE(block.rows.n_rows() == 0);
}

TEST_CASE("blocks of any size have the same rows") {
  const TempDir folder;
  std::string text = "amount,country,y,id\n";
  for (int i = 0; i < 1000; ++i)
    text += std::to_string(i) + ",DE," + std::to_string(i % 3 == 0) + ",r" + std::to_string(i) + "\n";
  for (const std::size_t size : {1u, 7u, 999u, 1000u, 1001u}) {
    RowReader reader = reader_of(folder, text, {.label_column = "y", .id_column = "id"});
    RowBlock block;
    std::uint64_t n = 0;
    while (reader.next(block, size)) {
      REQUIRE(block.first_row == n);
      REQUIRE(block.rows.n_rows() <= size);
      for (std::size_t i = 0; i < block.rows.n_rows(); ++i, ++n) {
        REQUIRE(block.rows.row(i)[0] == static_cast<double>(n));
        REQUIRE(block.labels[i] == (n % 3 == 0 ? 1.0f : 0.0f));
        REQUIRE(block.ids[i] == "r" + std::to_string(n));
      }
    }
    REQUIRE(n == 1000);
    REQUIRE(reader.rows_read() == 1000);
  }
}

TEST_CASE("all missing columns are reported at once, with suggestions") {
  const TempDir folder;
  require_error("rows.missing_column",
                {"loans.csv", "\"amount\"", "\"country\"", "\"y\"", "did you mean \"amount\" by \"amuont\"?"},
                [&] { reader_of(folder, "amuont,age\n1,2\n", {.label_column = "y"}); });
  require_error("rows.missing_column", {"\"bureau\""},
                [&] { reader_of(folder, "amount,country\n1,DE\n", {.late_may_be_absent = false}); });
  require_error("rows.missing_column", {"\"who\""},
                [&] { reader_of(folder, "amount,country\n1,DE\n", {.id_column = "who"}); });
}

TEST_CASE("a name with a hidden character is shown with it") {
  const TempDir folder;
  require_error("rows.missing_column",
                {"missing column \"class\\r\"", "the columns are: \"amount\", \"country\", \"class\""},
                [&] { reader_of(folder, "amount,country,class\n1,DE,1\n", {.label_column = "class\r"}); });
  require_error("rows.missing_column", {"\"\\u{200b}amount\""}, [&] {
    reader_of(folder,
              "\xE2\x80\x8B"
              "amount,country\n1,DE\n",
              {});
  });
  require_error("rows.not_a_number", {"\"1\\u{a0}000\""}, [&] {
    all_rows(reader_of(folder,
                       "amount,country\n1\xC2\xA0"
                       "000,DE\n",
                       {}));
  });
}

TEST_CASE("columns that no model reads may be absent, and unknown columns are ignored, with one warning each") {
  const TempDir folder;
  RowReader reader = reader_of(folder, "amount,x1,country,x2\n1,2,DE,3\n");
  for (const char* column : {"\"bureau\"", "\"age\"", "\"at\""})
    REQUIRE(has_warning(reader, std::string("no column ") + column));
  REQUIRE(has_warning(reader, "2 columns are not in the schema and ignored: \"x1\", \"x2\""));
  REQUIRE(reader.warnings().size() == 4);
  const RowBlock block = all_rows(std::move(reader));
  REQUIRE(std::isnan(block.rows.row(0)[2]));
  REQUIRE(std::isnan(block.rows.row(0)[4]));
}

TEST_CASE("a text of the wrong type is reported with line, column and hint") {
  const TempDir folder;
  require_error("rows.not_a_number",
                {"loans.csv line 3, column \"amount\"", "\"12x\" is not a number", "missing_codes"},
                [&] { all_rows(reader_of(folder, "amount,country\n1,DE\n12x,DE\n")); });
  require_error("rows.not_a_number", {"loans.csv line 2, column \"at\"", "\"soon\" is not a time", "ISO 8601"},
                [&] { all_rows(reader_of(folder, "amount,country,at\n1,DE,soon\n")); });
}

TEST_CASE("labels are read in the usual spellings, or by the given positive text") {
  const TempDir folder;
  REQUIRE(labels_of(folder, "1,DE,1\n1,DE,0\n1,DE,1.0\n1,DE,0e0\n") == std::vector<float>{1, 0, 1, 0});
  REQUIRE(labels_of(folder, "1,DE,True\n1,DE,FALSE\n1,DE,yes\n1,DE,No\n") == std::vector<float>{1, 0, 1, 0});
  REQUIRE(labels_of(folder, "1,DE,good\n1,DE,bad\n1,DE, bad \n", "bad") == std::vector<float>{0, 1, 1});
  REQUIRE(labels_of(folder, "1,DE,2\n1,DE,1\n1,DE,2.0\n", "2") == std::vector<float>{1, 0, 1});
  require_error("rows.label", {"loans.csv line 3, column \"y\"", "\"bad\"", "--positive"},
                [&] { labels_of(folder, "1,DE,1\n1,DE,bad\n"); });
  require_error("rows.label", {"\"2\""}, [&] { labels_of(folder, "1,DE,2\n"); });
  for (const char* positive : {"", "1"})
    require_error("rows.label_missing", {"loans.csv line 3, column \"y\""},
                  [&] { labels_of(folder, "1,DE,1\n1,DE,\n", positive); });
}

TEST_CASE("a header alone gives no rows and no error") {
  const TempDir folder;
  RowReader reader = reader_of(folder, "amount,country\n");
  RowBlock block;
  REQUIRE_FALSE(reader.next(block));
}

TEST_CASE("the credit default data reads as with strtod") {
  const auto path = test::shared_data("uci_credit_default/UCI_Credit_Card.csv.gz");
  if (!path) return;
  std::vector<Column> columns;
  const CsvReader header(path->string());
  for (const auto& name : header.header())
    if (name != "ID" && name != "class") columns.push_back({.name = name});
  REQUIRE(columns.size() == 23);
  RowReader reader(open_records(path->string()), Schema(columns), {.label_column = "class", .id_column = "ID"});
  CsvReader again(path->string());
  std::vector<std::string_view> fields;
  std::size_t n_rows = 0, n_defaults = 0;
  for (RowBlock block; reader.next(block); n_rows += block.rows.n_rows())
    for (std::size_t i = 0; i < block.rows.n_rows(); ++i) {
      REQUIRE(again.next(fields));
      for (std::size_t k = 0; k < columns.size(); ++k)
        if (block.rows.row(i)[k] != std::strtod(std::string(fields[k + 1]).c_str(), nullptr))
          FAIL("row " << n_rows + i << ", column " << k);
      n_defaults += block.labels[i] == 1;
    }
  REQUIRE(n_rows == 30'000);
  REQUIRE(n_defaults == 6636);
  REQUIRE(reader.warnings().empty());
}

TEST_CASE("the bank marketing data, with its semicolons, reads whole") {
  const auto path = test::shared_data("bank_marketing/bank-additional-full.csv.gz");
  if (!path) return;
  const Schema schema(
      {{.name = "age"},
       {.name = "marital", .kind = Kind::category, .vocabulary = {"divorced", "married", "single", "unknown"}},
       {.name = "emp.var.rate"}});
  RowReader reader(open_records(path->string()), schema, {.label_column = "y"});
  std::size_t n_rows = 0, n_yes = 0;
  for (RowBlock block; reader.next(block); n_rows += block.rows.n_rows())
    for (const float label : block.labels) n_yes += label == 1;
  REQUIRE(n_rows == 41'188);
  REQUIRE(n_yes == 4640);
  REQUIRE(reader.warnings().size() == 1);
}
