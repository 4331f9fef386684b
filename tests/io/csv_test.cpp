#include "sluice/io/csv.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "io_support.h"
#include "sluice/base/random.h"

using namespace sluice;
using namespace sluice::io;
using test::read_all;
using test::Records;
using test::TempDir;
using test::written;

namespace {

/// RFC 4180 in the simplest way: one character at a time over the whole text.
Records naive_csv(const std::string& text) {
  Records records(1, {""});
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    auto& field = records.back().back();
    if (is_quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      field += text[++i];
    else if (c == '"')
      is_quoted = !is_quoted;
    else if (is_quoted)
      field += c;
    else if (c == ',')
      records.back().emplace_back();
    else if (c == '\n')
      records.push_back({""});
    else if (c != '\r')
      field += c;
  }
  records.pop_back();  // the text after the last line end
  return records;
}

Records random_table(Random& random, std::size_t n_rows, std::size_t n_columns) {
  const std::vector<std::string> pieces = {"a",    "bc", "7",  "-1.5", ",", ";", "\"",   "\n",
                                           "\r\n", "\r", "\t", "|",    " ", "é", "日本", "\"\""};
  Records table(n_rows, std::vector<std::string>(n_columns));
  for (auto& row : table)
    for (auto& cell : row)
      for (auto n = random.below(6); n > 0; --n) cell += pieces[random.below(pieces.size())];
  return table;
}

std::string header_text(std::size_t n_columns) {
  std::string text;
  for (std::size_t i = 0; i < n_columns; ++i) text += (i > 0 ? ",c" : "c") + std::to_string(i);
  return text;
}

std::string csv_text(const Records& table, std::string_view line_end) {
  std::string text = header_text(table[0].size()) + std::string(line_end);
  for (const auto& row : table) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += ',';
      append_csv_field(text, row[i]);
    }
    text += line_end;
  }
  return text;
}

std::string gzipped(std::string_view bytes, const std::string& path) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return read_file(path);
}

}  // namespace

TEST_CASE("any written table reads back as a naive reader reads it") {
  const TempDir folder;
  Random random(11);
  for (int round = 0; round < 150; ++round) {
    const Records table = random_table(random, 1 + random.below(40), 2 + random.below(6));
    const std::string text = csv_text(table, round % 2 ? "\n" : "\r\n");
    CAPTURE(round, text);
    CsvReader reader(written(folder, "t.csv", text).string());
    const Records read = read_all(reader);
    REQUIRE(read == table);
    Records naive = naive_csv(text);
    REQUIRE(naive[0] == reader.header());
    naive.erase(naive.begin());
    REQUIRE(read == naive);
  }
}

TEST_CASE("chunk boundaries do not affect the records") {
  const TempDir folder;
  Random random(12);
  const Records table = random_table(random, 20'000, 5);
  const std::string text = csv_text(table, "\n");
  REQUIRE(text.size() > 4 * (1 << 16));
  // Shifts every record relative to the chunks.
  for (const std::size_t n_blank_lines : {0, 1, 2, 7}) {
    CsvReader reader(written(folder, "t.csv", std::string(n_blank_lines, '\n') + text).string());
    REQUIRE(read_all(reader) == table);
  }
}

TEST_CASE("a fault is reported after every record before it, for any surrounding records") {
  const TempDir folder;
  for (const std::size_t n_before : {0u, 1u, 5000u, 8191u, 20'000u}) {
    std::string text = "a,b\n";
    for (std::size_t i = 0; i < n_before; ++i) text += "1234,5678\n";
    text += "1,2,3\n";
    for (int i = 0; i < 10'000; ++i) text += "9,9\n";
    CsvReader reader(written(folder, "t.csv", text).string());
    std::vector<std::string_view> fields;
    for (std::size_t i = 0; i < n_before; ++i) REQUIRE(reader.next(fields));
    const std::string place = "t.csv line " + std::to_string(n_before + 2) + ": 3 fields";
    for (int again = 0; again < 2; ++again)
      test::require_error("csv.field_count", {place.c_str()}, [&] { reader.next(fields); });
  }
}

TEST_CASE("the delimiter is detected outside quotes") {
  const TempDir folder;
  for (const char d : {',', ';', '\t', '|'}) {
    const std::string s(1, d);
    CsvReader reader(
        written(folder, "t.csv",
                "\"x,;|\ty,;|\tz\"" + s + "b" + s + "c" + s + "d\n1" + s + "2" + s + "\"3" + s + "\"" + s + "4\n")
            .string());
    REQUIRE(reader.delimiter() == d);
    REQUIRE(read_all(reader) == Records{{"1", "2", "3" + s, "4"}});
  }
  CsvReader one_column(written(folder, "t.csv", "only\n1\n2").string());
  REQUIRE(read_all(one_column) == Records{{"1"}, {"2"}});
}

TEST_CASE("a byte order mark, blank lines and blanks around fields are dropped, quoted blanks are kept") {
  const TempDir folder;
  CsvReader reader(written(folder, "t.csv", "\xef\xbb\xbf\n a ,b\r\n\r\n  1 , \" 2 \" \n\n\n3,\n   \n").string());
  REQUIRE(reader.header() == std::vector<std::string>{"a", "b"});
  REQUIRE(read_all(reader) == Records{{"1", " 2 "}, {"3", ""}});
}

TEST_CASE("lines are counted as in an editor") {
  const TempDir folder;
  //                                       1      2     3  4      5 6      7         8    9    10
  const std::string text = "a,b\n1,\"x\ny\r\nz\"\n\n\r\n\"\n\",2\r\n3,4\r5,6\n";
  CsvReader reader(written(folder, "t.csv", text).string());
  std::vector<std::string> places;
  for (std::vector<std::string_view> fields; reader.next(fields);)
    places.push_back(reader.where().substr(reader.where().rfind(' ') + 1));
  REQUIRE(places == std::vector<std::string>{"2", "7", "9", "10"});
}

TEST_CASE("gzip reads as its content, in one member or several") {
  const TempDir folder;
  Random random(13);
  const std::string text = csv_text(random_table(random, 30'000, 4), "\n");
  CsvReader plain(written(folder, "t.csv", text).string());
  const Records records = read_all(plain);
  const auto half = text.size() / 2;
  const std::string packed = gzipped(text, (folder / "a.gz").string());
  const std::string in_two = gzipped(text.substr(0, half), (folder / "b.gz").string()) +
                             gzipped(text.substr(half), (folder / "c.gz").string());
  for (const auto& bytes : {packed, in_two}) {
    CsvReader reader(written(folder, "t.csv.gz", bytes).string());
    REQUIRE(read_all(reader) == records);
    REQUIRE(reader.bytes_read() == bytes.size());
    REQUIRE(reader.bytes_total() == bytes.size());
  }
}

TEST_CASE("gzip that is truncated, altered or followed by other bytes is rejected") {
  const TempDir folder;
  Random random(14);
  const std::string text = csv_text(random_table(random, 3000, 4), "\n"),
                    packed = gzipped(text, (folder / "a.gz").string());
  const auto refused = [&](const std::string& bytes) {
    test::require_error("csv.gzip", {"t.csv.gz"}, [&] {
      CsvReader reader(written(folder, "t.csv.gz", bytes).string());
      read_all(reader);
    });
  };
  for (const std::size_t kept :
       {std::size_t{2}, std::size_t{5}, std::size_t{11}, packed.size() / 2, packed.size() - 8, packed.size() - 1})
    refused(packed.substr(0, kept));
  refused(packed + "tail");
  std::string altered = packed;
  altered[altered.size() - 6] ^= 1;  // the checksum
  refused(altered);
}

TEST_CASE("\"-\" reads standard input") {
  const TempDir folder;
  const int saved = dup(STDIN_FILENO), file = open(written(folder, "t.csv", "a\n1\n").c_str(), O_RDONLY);
  dup2(file, STDIN_FILENO);
  const auto reader = open_records("-");
  const Records records = read_all(*reader);
  dup2(saved, STDIN_FILENO);
  close(saved);
  close(file);
  REQUIRE(records == Records{{"1"}});
  REQUIRE(reader->where() == "standard input line 2");
}

TEST_CASE("a long file needs no more memory than a short one") {
  const TempDir folder;
  const auto buffers_after = [&](std::size_t n_rows) {
    std::string text = "a,b,c\n";
    for (std::size_t i = 0; i < n_rows; ++i) text += std::to_string(i) + ",\"quoted \"\"text\"\"\",0.25\n";
    CsvReader reader(written(folder, "t.csv", text).string());
    std::vector<std::string_view> fields;
    std::size_t n_read = 0, most = 0;
    while (reader.next(fields)) {
      ++n_read;
      most = std::max(most, reader.buffer_bytes());
    }
    REQUIRE(n_read == n_rows);
    return most;
  };
  REQUIRE(buffers_after(500'000) <= buffers_after(20'000) + 4096);
  REQUIRE(buffers_after(20'000) < 1 << 20);
}
