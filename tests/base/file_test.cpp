#include "sluice/base/file.h"

#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace sluice;

TEST_CASE("a file is complete or absent") {
  const test::TempDir dir;
  {
    AtomicFile file(dir / "a");
    file.write("half");
  }
  REQUIRE(std::filesystem::is_empty(dir.path()));
  write_file(dir / "a", "whole");
  REQUIRE(read_file(dir / "a") == "whole");
}

TEST_CASE("a replaced file keeps its old content until the new one is complete") {
  const test::TempDir dir;
  write_file(dir / "a", "old");
  {
    AtomicFile file(dir / "a");
    file.write("ne");
  }
  REQUIRE(read_file(dir / "a") == "old");
}

TEST_CASE("a full disk is an error that names the file, and leaves nothing") {
  if (!std::filesystem::exists("/dev/full")) return;
  const test::TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir / ("out.partial-" + std::to_string(getpid())));
  AtomicFile file(dir / "out");
  file.write("x");
  REQUIRE_THROWS_WITH(file.commit(), Catch::Contains("out") && Catch::Contains("No space left"));
  REQUIRE_FALSE(std::filesystem::exists(dir / "out"));
}

TEST_CASE("a missing folder is an error with a hint") {
  REQUIRE_THROWS_AS(write_file("/nonexistent/x", "y"), Error);
  REQUIRE_THROWS_AS(read_file("/nonexistent/x"), Error);
  REQUIRE_THROWS_WITH(read_file("/tmp"), Catch::Contains("is a folder"));
}
