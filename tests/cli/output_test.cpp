#include <filesystem>
#include <sstream>
#include <string>

#include "cli/cli_support.h"
#include "cli/logged_folder.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/schema.h"
#include "sluice/cli/csv_text.h"
#include "sluice/cli/printable_stream.h"
#include "sluice/cli/read_ahead.h"
#include "sluice/io/record_reader.h"
#include "sluice/io/rows.h"
#include "support/catch.h"

namespace sluice::test {

TEST_CASE("a terminal's stream escapes what a terminal would obey, and keeps lines, tabs and characters") {
  std::stringbuf bytes;
  std::ostream out(&bytes);
  {
    cli::PrintableStream escaped(out);
    out << "a\tb\n\x1b[31mred\x07\n"
        << "\xc2\x9b"
        << "2J\nécl" << std::flush << "\xc3" << std::flush << "\xa9\n\xff tail\r";
  }
  CHECK(bytes.str() == "a\tb\n\\x1b[31mred\\x07\n\\u{9b}2J\nécl\xc3\xa9\n\\xff tail\\r");
}

TEST_CASE("an output that is an input, another output, or inside what is read is wrong usage") {
  const LoggedFolder logged(5);
  const auto& path = logged.path();
  std::filesystem::create_symlink("rows.csv", path / "link.csv");
  const std::string rows = read_file(path / "rows.csv");
  const auto refused = [&](const std::string& command) {
    const auto done = run(path, "sluice " + command);
    CAPTURE(command, done.err);
    CHECK(done.exit_code == 2);
    CHECK_THAT(done.err, Catch::Contains("--"));
    CHECK(read_file(path / "rows.csv") == rows);
  };
  const std::string score = "score --bundle bundle --data rows.csv --quiet --out ";
  for (const char* out : {"rows.csv", "./rows.csv", "link.csv", "bundle/../rows.csv"}) refused(score + out);
  refused(score + "bundle/d.csv");
  refused(score + "log/d.csv --audit log");
  refused("audit export log --out log/export.jsonl");
  refused("audit export log --out log");
  refused("labels join --audit log --bundle bundle --labels labels.csv --id request --label outcome --out labels.csv");
  refused("bundle encode --bundle bundle --data rows.csv --out rows.csv");
  refused("forest predict bundle/forest-0.json --data rows.csv --out rows.csv");
  refused("policy diff --bundle bundle bundle/policy.json rows.csv --data rows.csv --json x.json --html x.json");
  CHECK(run(path, "sluice " + score + "other.csv").exit_code == 0);
  CHECK(run(path, "sluice score --bundle bundle --data - --quiet --out /dev/null.csv <rows.csv").exit_code != 2);
}

TEST_CASE("spreadsheet-safe puts an apostrophe before formulas alone, and without it the text is as it is") {
  const auto cell = [](std::string_view text, bool safe) {
    std::string out;
    cli::append_csv_text(out, text, safe);
    return out;
  };
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\"=1", "'=1", "＝1", "＠x"}) {
    CAPTURE(text);
    const std::string safe = cell(text, true), plain = cell(text, false);
    CHECK((safe.starts_with("'") || safe.starts_with("\"'")));
    CHECK(safe != plain);
  }
  for (const char* text : {"", "a=b", "request-1", "x", " ", "ünï", "1-2"})
    CHECK(cell(text, true) == cell(text, false));

  const LoggedFolder logged(5);
  std::string rows = read_file(logged.path() / "rows.csv");
  rows.replace(rows.find("request-3"), 9, "=cmd|'!A0");
  write_file(logged.path() / "formula.csv", rows);
  const std::string score = "sluice score --bundle bundle --data formula.csv --id id --quiet --out d.csv ";
  REQUIRE(run(logged.path(), score).exit_code == 0);
  CHECK_THAT(read_file(logged.path() / "d.csv"), Catch::Contains(",\"=cmd|'!A0\","));
  REQUIRE(run(logged.path(), score + "--spreadsheet-safe").exit_code == 0);
  CHECK_THAT(read_file(logged.path() / "d.csv"), Catch::Contains(",\"'=cmd|'!A0\","));
}

TEST_CASE("reading ahead gives the reader's blocks in order, then its end or its error, and can be given up") {
  const Schema schema = Schema::from_json(R"({"columns": [{"name": "x", "kind": "number"}]})", "s");
  const auto table = [](std::size_t n, const char* end) {
    std::string text = "x\n";
    for (std::size_t i = 0; i < n; ++i) text += std::to_string(i) + "\n";
    return text + end;
  };
  for (const bool is_ahead : {false, true}) {
    for (const std::size_t n : {0, 1, 9, 10, 11, 995, 1000}) {
      for (const char* end : {"", "wrong\n"}) {
        CAPTURE(is_ahead, n, end);
        const std::string text = table(n, end);
        io::RowReader reader(io::open_record_bytes(text, "t.csv"), schema);
        cli::ReadAhead ahead(reader, 10, is_ahead);
        std::size_t n_read = 0;
        std::string failure;
        try {
          while (const auto* block = ahead.next()) {
            REQUIRE(block->rows.first_row == n_read);
            for (std::size_t i = 0; i < block->rows.rows.n_rows(); ++i)
              REQUIRE(block->rows.rows.row(i)[0] == static_cast<double>(n_read++));
          }
        } catch (const Error& e) {
          failure = e.code();
        }
        CHECK(failure == (*end ? "rows.not_a_number" : ""));
        CHECK(n_read <= n);
        CHECK(n_read + 10 > n);  // a block with a wrong row is not given
      }
    }
    io::RowReader reader(io::open_record_bytes(table(1000, ""), "t.csv"), schema);
    cli::ReadAhead given_up(reader, 10, is_ahead);
    REQUIRE(given_up.next());
  }
}

}  // namespace sluice::test
