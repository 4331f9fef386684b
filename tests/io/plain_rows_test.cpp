#include <cmath>
#include <cstring>

#include "io_support.h"
#include "sluice/base/random.h"
#include "sluice/io/csv.h"
#include "sluice/io/rows.h"

using namespace sluice;
using namespace sluice::io;
using test::TempDir;
using test::written;

namespace {

/// The same records without plain lines: RowReader reads them record by record.
class RecordByRecord : public RecordReader {
 public:
  explicit RecordByRecord(std::unique_ptr<RecordReader> records) : records_(std::move(records)) {}
  const std::vector<std::string>& header() const override { return records_->header(); }
  bool next(std::vector<std::string_view>& fields) override { return records_->next(fields); }
  std::string where() const override { return records_->where(); }
  std::uint64_t bytes_read() const override { return records_->bytes_read(); }
  std::uint64_t bytes_total() const override { return records_->bytes_total(); }

 private:
  std::unique_ptr<RecordReader> records_;
};

Schema mixed() {
  return Schema({{.name = "a"},
                 {.name = "b", .missing_codes = {"-1"}},
                 {.name = "c", .kind = Kind::category, .vocabulary = {"x", "y", "grün"}},
                 {.name = "t", .kind = Kind::time},
                 {.name = "card", .kind = Kind::id},
                 {.name = "d"},
                 {.name = "absent", .late = true}});
}

std::string pick(Random& random, std::initializer_list<const char*> texts) {
  return texts.begin()[random.below(texts.size())];
}

std::string number(Random& random) {
  if (random.uniform() < 0.7) return std::to_string(random.normal() * std::pow(10.0, random.uniform(-8, 8)));
  return pick(random, {"", "NA", " 7", "7 ", "+3", "-0.0", "1e5", "1E-320", "inf", "-inf", "nan", "-1", ".5", "5.",
                       "123456789012345678901234567890", "1e400", "0x10", "null"});
}

/// Plain lines with a few that are not, so that both paths alternate within a file.
std::string line_of(Random& random, bool has_oddities, const std::string& line_end) {
  std::string c = pick(random, {"x", "y", "z", "", " x", "y "});
  if (has_oddities && random.uniform() < 0.002) c = pick(random, {"\"x\"", "grün", "\"a\nb\"", "\"x,y\""});
  std::string d = number(random);
  if (d == "0x10") d = "16";
  std::string a = number(random);
  if (a == "0x10" || a == "1e400") a = "1";
  std::string b = number(random);
  if (b == "0x10" || b == "1e400") b = "2";
  if (d == "1e400") d = "3";
  return a + "," + b + "," + c + "," + pick(random, {"2020-01-02", "17", ""}) + ",card" +
         std::to_string(random.below(50)) + ",ignored" + "," + d + "," + pick(random, {"0", "1"}) + line_end;
}

std::string file_of(Random& random, std::size_t n_rows, bool has_oddities) {
  const std::string line_end = pick(random, {"\n", "\r\n"});
  std::string text = "a,b,c,t,card,other,d,y" + line_end;
  for (std::size_t i = 0; i < n_rows; ++i) {
    if (random.uniform() < 0.01) text += line_end;
    text += line_of(random, has_oddities, line_end);
  }
  if (random.uniform() < 0.5) text.resize(text.size() - line_end.size());
  return text;
}

RowReaderOptions all_options(ThreadPool* pool) {
  return {.label_column = "y", .positive = "", .id_column = "card", .extra_columns = {"c", "other"}, .pool = pool};
}

/// Everything that a reader returns, as one text: cells to the bit, texts, warnings, the error that ends it.
std::string all_of(RowReader reader, std::size_t max_rows) {
  std::string out;
  RowBlock block;
  try {
    while (reader.next(block, max_rows))
      for (std::size_t i = 0; i < block.rows.n_rows(); ++i) {
        out += std::to_string(block.first_row + i);
        for (const double cell : block.rows.row(i)) {
          char bytes[sizeof cell];
          std::memcpy(bytes, &cell, sizeof cell);
          out.append(bytes, sizeof cell);
        }
        out +=
            std::to_string(block.labels[i]) + block.ids[i] + "," + block.extras[0][i] + "," + block.extras[1][i] + "\n";
      }
  } catch (const Error& error) {
    out += error.code() + ": " + error.what();
  }
  for (const auto& warning : reader.warnings()) out += warning + "\n";
  return out;
}

}  // namespace

TEST_CASE("plain lines read by several threads give the same rows as single records") {
  const TempDir folder;
  ThreadPool pool(3);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(9, seed);
    const auto path = written(folder, "t.csv", file_of(random, 1 + random.below(12'000), seed % 2 == 1)).string();
    const std::string expected =
        all_of(RowReader(std::make_unique<RecordByRecord>(open_records(path)), mixed(), all_options(nullptr)), 4096);
    CAPTURE(seed);
    REQUIRE(expected.size() > 100);
    for (const std::size_t max_rows : {1000, 4096, 100'000}) {
      REQUIRE(all_of(RowReader(open_records(path), mixed(), all_options(nullptr)), max_rows) == expected);
      REQUIRE(all_of(RowReader(open_records(path), mixed(), all_options(&pool)), max_rows) == expected);
    }
  }
}

TEST_CASE("a fault within plain lines is reported as by the slow path, after the same rows") {
  const TempDir folder;
  ThreadPool pool(2);
  const std::initializer_list<const char*> faults = {
      "1,2,x,17,card,o,3\n",  "1,2,x,17,card,o,3,1,9\n",   "oops,2,x,17,card,o,3,1\n",   "1,2,x,yesterday,card,o,3,1\n",
      "1,2,x,17,card,o,3,\n", "1,2,x,17,card,o,3,maybe\n", "1,2,\"x\"y,17,card,o,3,1\n", "1,2,x,17,card,o,0x10,1\n"};
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    Random random(10, seed);
    std::string text = file_of(random, 3000, false);
    const auto at = text.find('\n', random.below(text.size() - 200)) + 1;
    text.insert(at, faults.begin()[seed % faults.size()]);
    const auto path = written(folder, "t.csv", text).string();
    const std::string expected =
        all_of(RowReader(std::make_unique<RecordByRecord>(open_records(path)), mixed(), all_options(nullptr)), 1);
    CAPTURE(seed, expected.substr(expected.size() - 200));
    REQUIRE(all_of(RowReader(open_records(path), mixed(), all_options(&pool)), 1) == expected);
  }
}

TEST_CASE("plain lines use the fast path") {
  const TempDir folder;
  const auto reader = open_records(written(folder, "t.csv", "a,b\n1,2\n3,4\n\"5\",6\n7,8\n").string());
  const PlainLines lines = reader->peek_plain_lines();
  REQUIRE(lines.text == "1,2\n3,4\n");
  REQUIRE(lines.first_line == 2);
  reader->skip_plain_lines(4, 1);
  REQUIRE(reader->where().find("line 2") != std::string::npos);
  REQUIRE(reader->peek_plain_lines().text == "3,4\n");
  std::vector<std::string_view> fields;
  REQUIRE(reader->next(fields));
  REQUIRE(fields[0] == "3");
  REQUIRE(reader->where().find("line 3") != std::string::npos);
}
