#include "sluice/io/arrow_ipc.h"

#include <bit>
#include <cmath>
#include <limits>

#include "io_support.h"
#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "sluice/base/schema.h"
#include "sluice/io/csv.h"

using namespace sluice;
using namespace sluice::io;
using test::read_all;
using test::Records;
using test::require_error;
using test::TempDir;
using test::written;
using Type = ArrowColumn::Type;

namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data" / name;
}

/// Any bits except a NaN's, which is null.
double random_double(Random& random) {
  for (;;)
    if (const auto value = std::bit_cast<double>(random.next()); !std::isnan(value)) return value;
}

}  // namespace

TEST_CASE("files and streams of pyarrow are read correctly") {
  CsvReader csv(golden("arrow_golden.csv").string());
  const Records wanted = read_all(csv);
  REQUIRE(wanted.size() == 8);
  for (const char* name : {"arrow_golden.arrows", "arrow_golden.arrow"}) {
    const auto reader = open_records(golden(name).string());
    REQUIRE(dynamic_cast<ArrowRecordReader*>(reader.get()));
    REQUIRE(reader->header() == csv.header());
    const Records read = read_all(*reader);
    REQUIRE(read.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      for (std::size_t k = 0; k < wanted[i].size(); ++k) {
        CAPTURE(name, i, csv.header()[k]);
        const auto number = parse_number(wanted[i][k]);
        if (csv.header()[k] == "f64")
          REQUIRE(parse_number(read[i][k]) == number);
        else if (csv.header()[k] == "f32" && number)
          REQUIRE(static_cast<float>(*parse_number(read[i][k])) == static_cast<float>(*number));
        else
          REQUIRE(read[i][k] == wanted[i][k]);
      }
  }
}

TEST_CASE("written tables read back to the bit, over many batches") {
  const TempDir folder;
  Random random(21);
  const std::size_t n_rows = 150'000;  // three batches
  Records wanted;
  ArrowWriter writer(
      folder / "t.arrow",
      {{"d", Type::float64}, {"f", Type::float32}, {"t", Type::utf8}, {"i", Type::int64}, {"never", Type::utf8}});
  for (std::size_t i = 0; i < n_rows; ++i) {
    const double d = random_double(random);
    const auto f = static_cast<float>(random.normal());
    const auto n = static_cast<std::int64_t>(random.next());
    const bool is_null = random.below(10) == 0;
    std::string text(random.below(20), 'x');
    if (i % 7 == 0) text += "é€";
    writer.add_double(0, is_null ? std::numeric_limits<double>::quiet_NaN() : d);
    writer.add_double(1, f);
    if (!is_null) writer.add_text(2, text);
    writer.add_int(3, n);
    writer.end_row();
    wanted.push_back({is_null ? "" : number_text(d), number_text(f), is_null ? "" : text, std::to_string(n), ""});
  }
  writer.finish();
  const auto reader = open_records((folder / "t.arrow").string());
  REQUIRE(reader->header() == std::vector<std::string>{"d", "f", "t", "i", "never"});
  const Records read = read_all(*reader);
  REQUIRE(read.size() == n_rows);
  REQUIRE(read == wanted);
  REQUIRE(reader->where() == (folder / "t.arrow").string() + " row 149999");
  REQUIRE(reader->bytes_read() == reader->bytes_total());
}

TEST_CASE("a table without rows is valid") {
  const TempDir folder;
  ArrowWriter writer(folder / "t.arrow", {{"x", Type::float64}});
  writer.finish();
  ArrowRecordReader reader((folder / "t.arrow").string());
  REQUIRE(reader.header() == std::vector<std::string>{"x"});
  REQUIRE(read_all(reader).empty());
}

TEST_CASE("a writer leaves a whole file or none, and rejects cells of the wrong type") {
  const TempDir folder;
  {
    ArrowWriter writer(folder / "t.arrow", {{"x", Type::float64}, {"t", Type::utf8}});
    writer.add_double(0, 1);
    require_error("arrow.type", {"\"x\"", "two cells"}, [&] { writer.add_double(0, 2); });
    require_error("arrow.type", {"\"x\"", "text"}, [&] { writer.add_text(0, "a"); });
    require_error("arrow.type", {"\"t\"", "UTF-8"}, [&] { writer.add_text(1, "\xff"); });
    writer.end_row();
  }
  REQUIRE(std::filesystem::is_empty(folder.path()));
  require_error("file.write", {"nowhere"},
                [&] { ArrowWriter(folder / "nowhere" / "t.arrow", {{"x", Type::float64}}); });
}

TEST_CASE("a compressed batch, a duplicate column and bytes after the end are rejected by name") {
  const TempDir folder;
  require_error("arrow.compressed", {"arrow_compressed.arrows", "hint", "compression"},
                [] { read_all(*open_records(golden("arrow_compressed.arrows").string())); });
  {
    ArrowWriter writer(folder / "t.arrow", {{"x", Type::float64}, {"x", Type::utf8}});
    writer.finish();
  }
  require_error("arrow.duplicate_column", {"t.arrow", "\"x\""}, [&] { open_records((folder / "t.arrow").string()); });
  const std::string stream = read_file(golden("arrow_golden.arrows"));
  require_error("arrow.corrupt", {"end-of-stream"},
                [&] { read_all(*open_records(written(folder, "t.arrow", stream + "x").string())); });
}
