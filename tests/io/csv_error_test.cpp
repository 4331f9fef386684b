#include "io_support.h"
#include "sluice/io/csv.h"

using namespace sluice;
using namespace sluice::io;
using test::require_error;
using test::TempDir;
using test::written;

namespace {

void read_file_of(const TempDir& folder, std::string_view bytes) {
  const auto reader = open_records(written(folder, "loans.csv", bytes).string());
  test::read_all(*reader);
}

}  // namespace

TEST_CASE("errors of a file have its line and column") {
  const TempDir folder;
  struct Case {
    std::string bytes;
    std::string code;
    std::vector<const char*> parts;
  };
  using namespace std::string_literals;
  const std::vector<Case> cases = {
      {"", "csv.empty", {"loans.csv"}},
      {"\n \r\n\n", "csv.empty", {"loans.csv"}},
      {"\xef\xbb\xbf", "csv.empty", {"loans.csv"}},
      {"a,b,a\n1,2,3\n", "csv.duplicate_column", {"loans.csv line 1, column 3", "\"a\"", "column 1", "hint"}},
      {"\na, a\n", "csv.duplicate_column", {"line 2, column 2"}},
      {"a,b,c\n1,2,3\n1,2\n", "csv.field_count", {"loans.csv line 3: 2 fields, the header has 3", "hint"}},
      {"a,b\n\"x\ny\",2\n1,2,3,4\n", "csv.field_count", {"loans.csv line 4: 4 fields, the header has 2"}},
      {"a,b\n1\n", "csv.field_count", {"line 2: 1 field, the header has 2"}},
      {"a,b\n1,2\n3,x\0y\n"s, "csv.nul", {"loans.csv line 3, column 2 (\"b\")", "hint"}},
      {"\xff\xfe"
       "a\0,\0b\0\n\0"s,
       "csv.nul",
       {"line 1, column 1"}},
      {"a,b\n1,caf\xe9\n", "csv.utf8", {"loans.csv line 2, column 2 (\"b\")", "hint"}},
      {"a,b\n\xc0\xaf,1\n", "csv.utf8", {"line 2, column 1"}},          // overlong
      {"a,b\n\xed\xa0\x80,1\n", "csv.utf8", {"line 2, column 1"}},      // a surrogate
      {"a,b\n\xf4\x90\x80\x80,1\n", "csv.utf8", {"line 2, column 1"}},  // above U+10FFFF
      {"a,b\n1,\"open\n2,3\n", "csv.quote", {"loans.csv line 2, column 2 (\"b\")", "hint"}},
      {"a,b\n1,2\nx\"y,3\n", "csv.quote", {"line 3, column 1"}},
      {"a,b\n1,2\n\"x\"y,3\n", "csv.quote", {"line 3, column 1"}},
      {"\"a,b\n", "csv.quote", {"line 1, column 1"}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.bytes);
    require_error(c.code, {}, [&] { read_file_of(folder, c.bytes); });
    for (const char* part : c.parts) require_error(c.code, {part}, [&] { read_file_of(folder, c.bytes); });
  }
}

TEST_CASE("a field of 10 MB is rejected before it fills the memory") {
  const TempDir folder;
  for (const std::string quote : {"", "\""}) {
    const auto path =
        written(folder, "loans.csv", "a,b\n1,2\n3," + quote + std::string(10'000'000, 'x') + quote + "\n");
    CsvReader reader(path.string());
    std::vector<std::string_view> fields;
    REQUIRE(reader.next(fields));
    require_error("csv.field_too_long", {"loans.csv line 3, column 2 (\"b\")", "1 MiB"}, [&] { reader.next(fields); });
    REQUIRE(reader.bytes_read() < 2'000'000);
    REQUIRE(reader.buffer_bytes() < 2'000'000);
  }
}

TEST_CASE("a field of just 1 MiB is read") {
  const TempDir folder;
  const std::string field(1 << 20, 'x');
  CsvReader reader(written(folder, "loans.csv", "a,b\n1," + field + "\n").string());
  REQUIRE(test::read_all(reader) == test::Records{{"1", field}});
}

TEST_CASE("memory stays bounded for an endless header and records with too many fields") {
  const TempDir folder;
  std::string columns;
  for (int i = 0; i < 1'000'000; ++i) columns += "c" + std::to_string(i) + ",";
  require_error("csv.header_too_long", {"loans.csv line 1"}, [&] { read_file_of(folder, columns); });

  CsvReader reader(written(folder, "loans.csv", "a,b\n" + std::string(5'000'000, ',') + "\n").string());
  std::vector<std::string_view> fields;
  require_error("csv.field_count", {"line 2: 5000001 fields, the header has 2"}, [&] { reader.next(fields); });
  REQUIRE(reader.buffer_bytes() < 1 << 20);
}

TEST_CASE("a missing file and a folder are reported by name") {
  const TempDir folder;
  require_error("file.read", {"nowhere.csv", "No such file"}, [&] { open_records((folder / "nowhere.csv").string()); });
  require_error("file.read", {"is a folder"}, [&] { open_records(folder.path().string()); });
}
