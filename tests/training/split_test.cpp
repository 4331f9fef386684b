#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/training/dataset.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {

using training::split_by_column;

TEST_CASE("a column of the file can contain the split") {
  const TempDir dir;
  write_file(dir / "t.csv", "x,part\n1,train\n2,test\n3,valid\n4,train\n");
  const auto split = split_by_column(dir / "t.csv", "part");
  CHECK(split.train == std::vector<std::size_t>{0, 3});
  CHECK(split.valid == std::vector<std::size_t>{2});
  CHECK(split.test == std::vector<std::size_t>{1});
}

TEST_CASE("an invalid text in the split's column is an error that names the line") {
  const TempDir dir;
  write_file(dir / "t.csv", "x,part\n1,train\n2,tset\n");
  for (const auto& [column, text] : {std::pair("part", "line 3"), std::pair("parts", "\"parts\"")}) {
    try {
      split_by_column(dir / "t.csv", column);
      FAIL("no error was thrown");
    } catch (const Error& e) {
      CHECK(e.code() == "data.split");
      CHECK_THAT(e.what(), Catch::Contains(text));
    }
  }
}

}  // namespace sluice::test
