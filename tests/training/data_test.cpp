#include <algorithm>
#include <functional>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/training/dataset.h"
#include "sluice/training/infer_schema.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace training;

/// Columns of every kind; the label y is 1 in every third row, and "leak" gives it away.
std::string table(std::size_t n_rows) {
  std::string text = "row,who,when,x,word,constant,absent,free,leak,y\n";
  for (std::size_t i = 0; i < n_rows; ++i) {
    const std::string k = std::to_string(i), y = i % 3 ? "0" : "1";
    text += k + ",u" + k + ",2024-01-" + (i % 28 < 9 ? "0" : "") + std::to_string(i % 28 + 1) + "," +
            std::to_string(i * 7919 % 101) + ".5," + (i % 2 ? "a" : "b") + ",7,NA,text " + k + "," +
            (i % 3 ? "1" : "9") + "," + y + "\n";
  }
  return text;
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e;
  }
  return Error("none", "");
}

}  // namespace

TEST_CASE("a schema is inferred: each kind, and a warning for each column that is left out") {
  const TempDir dir;
  write_file(dir / "t.csv", table(300));
  const auto inferred = infer_schema(dir / "t.csv", {.label = "y", .id = "who", .late = {"word"}});
  const Schema& s = inferred.schema;
  CHECK(s[s.index_of("row")].kind == Kind::id);
  CHECK(s[s.index_of("who")].kind == Kind::id);
  CHECK(s[s.index_of("when")].kind == Kind::time);
  CHECK(s[s.index_of("x")].kind == Kind::number);
  CHECK(s[s.index_of("word")].vocabulary == std::vector<std::string>{"a", "b"});
  CHECK(s[s.index_of("word")].late);
  for (const char* gone : {"constant", "absent", "free", "y"}) CHECK_FALSE(s.find(gone).has_value());
  for (const char* named : {"\"row\"", "\"when\"", "\"constant\"", "\"absent\"", "\"free\""})
    CHECK(std::count_if(inferred.warnings.begin(), inferred.warnings.end(),
                        [&](const std::string& w) { return w.find(named) != std::string::npos; }) == 1);
}

TEST_CASE("a table from which no schema can be inferred is an error that names the place") {
  const TempDir dir;
  std::string text = table(300);
  text.replace(text.find("\n41,") + 1, 2, "xx");
  write_file(dir / "t.csv", text);
  const Error among = error_of([&] { infer_schema(dir / "t.csv", {.label = "y"}); });
  CHECK(among.code() == "schema.text_in_number");
  CHECK(among.message().find("line 43") != std::string::npos);
  CHECK(among.message().find("\"row\"") != std::string::npos);
  const Error unknown = error_of([&] { infer_schema(dir / "t.csv", {.label = "y", .drop = {"constnt"}}); });
  CHECK(unknown.code() == "schema.unknown_column");
  CHECK(unknown.hint().find("constant") != std::string::npos);
  write_file(dir / "h.csv", "x,y\n");
  CHECK(error_of([&] { infer_schema(dir / "h.csv", {.label = "y"}); }).code() == "data.no_rows");
  write_file(dir / "e.csv", "");
  CHECK(error_of([&] { infer_schema(dir / "e.csv", {.label = "y"}); }).code() != "none");
  write_file(dir / "c.csv", "x,y\n1,0\n1,1\n");
  CHECK(error_of([&] { infer_schema(dir / "c.csv", {.label = "y"}); }).code() == "schema.empty");
}

TEST_CASE("rows are split in fixed shares, the same each time, and by time, the test part is the latest") {
  const TempDir dir;
  write_file(dir / "t.csv", table(6000));
  const Schema schema(std::vector<Column>{{.name = "row"},
                                          {.name = "when", .kind = Kind::time},
                                          {.name = "x"},
                                          {.name = "word", .kind = Kind::category, .vocabulary = {"a", "b"}},
                                          {.name = "leak"}});
  const Dataset data = load_dataset(dir / "t.csv", schema, "y", "");
  REQUIRE(data.labels.size() == 6000);
  const Split split = split_rows(data, schema, 1, ""), again = split_rows(data, schema, 1, "");
  CHECK(split.test == again.test);
  CHECK(split.test != split_rows(data, schema, 2, "").test);
  std::vector<std::size_t> all;
  for (const auto* part : {&split.train, &split.valid, &split.test}) {
    CHECK(std::is_sorted(part->begin(), part->end()));
    all.insert(all.end(), part->begin(), part->end());
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(all.size() == 6000);
  CHECK(static_cast<double>(split.train.size()) == Approx(3600).margin(200));
  CHECK(static_cast<double>(split.test.size()) == Approx(1200).margin(150));
  const Split timed = split_rows(data, schema, 1, "when");
  const auto time = [&](std::size_t i) { return data.rows.row(i)[1]; };
  const auto by_time = [&](std::size_t a, std::size_t b) { return time(a) < time(b); };
  CHECK(time(*std::max_element(timed.train.begin(), timed.train.end(), by_time)) <=
        time(*std::min_element(timed.valid.begin(), timed.valid.end(), by_time)));
  CHECK(time(*std::max_element(timed.valid.begin(), timed.valid.end(), by_time)) <=
        time(*std::min_element(timed.test.begin(), timed.test.end(), by_time)));
  CHECK(timed.train.size() == 3600);
  const auto leaks = find_leaks(data, schema);
  REQUIRE(leaks.size() == 1);
  CHECK(leaks[0].find("\"leak\"") != std::string::npos);
}

TEST_CASE("labels of one class, too few or missing are errors") {
  const TempDir dir;
  const Schema schema(std::vector<Column>{{.name = "x"}});
  const auto code = [&](const std::string& text) {
    write_file(dir / "t.csv", text);
    return error_of([&] { load_dataset(dir / "t.csv", schema, "y", ""); }).code();
  };
  std::string one = "x,y\n", few = "x,y\n";
  for (int i = 0; i < 100; ++i) one += "1,0\n", few += i < 5 ? "1,1\n" : "1,0\n";
  CHECK(code(one) == "data.one_class");
  CHECK(code(few) == "data.too_few");
  CHECK(code("x,y\n") == "data.no_rows");
  CHECK(code("x,y\n1,\n") == "rows.label_missing");
  CHECK(code("x,z\n1,2\n") == "rows.missing_column");
}

}  // namespace sluice::test
