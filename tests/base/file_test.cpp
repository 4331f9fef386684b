#include "sluice/base/file.h"

#include <sys/stat.h>

#include <fstream>
#include <thread>

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

TEST_CASE("a full disk is an error that names the file") {
  if (!std::filesystem::exists("/dev/full")) return;
  const test::TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir / "out");
  AtomicFile file(dir / "out");
  file.write("x");
  REQUIRE_THROWS_WITH(file.commit(), Catch::Contains("out") && Catch::Contains("No space left"));
  REQUIRE(std::filesystem::is_symlink(dir / "out"));
}

TEST_CASE("devices and pipes are written in place, links to files are followed, modes are kept") {
  const test::TempDir dir;
  const auto mode_of = [](const std::filesystem::path& path) {
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  SECTION("a device") {
    write_file("/dev/null", "x");
    REQUIRE(std::filesystem::is_character_file("/dev/null"));
  }
  SECTION("a pipe") {
    REQUIRE(mkfifo((dir / "pipe").c_str(), 0600) == 0);
    std::string got;
    std::thread reader([&] { std::getline(std::ifstream(dir / "pipe"), got, '\0'); });
    write_file(dir / "pipe", "through");
    reader.join();
    REQUIRE(got == "through");
    REQUIRE(std::filesystem::is_fifo(dir / "pipe"));
  }
  SECTION("links") {
    write_file(dir / "a", "old");
    REQUIRE(chmod((dir / "a").c_str(), 0640) == 0);
    std::filesystem::create_symlink("a", dir / "b");
    std::filesystem::create_symlink(dir / "b", dir / "c");
    std::filesystem::create_symlink("new", dir / "d");
    write_file(dir / "c", "newer");
    write_file(dir / "d", "made");
    REQUIRE(read_file(dir / "a") == "newer");
    REQUIRE(mode_of(dir / "a") == 0640);
    REQUIRE(std::filesystem::is_symlink(dir / "c"));
    REQUIRE(read_file(dir / "new") == "made");
    std::filesystem::create_symlink("loop", dir / "loop");
    REQUIRE_THROWS_AS(write_file(dir / "loop", "x"), Error);
  }
  SECTION("its owner's alone") {
    write_file(dir / "a", "old");
    write_file(dir / "a", "secret", AtomicFile::Mode::owner_only);
    write_file(dir / "b", "secret", AtomicFile::Mode::owner_only);
    REQUIRE(mode_of(dir / "a") == 0600);
    REQUIRE(mode_of(dir / "b") == 0600);
  }
}

TEST_CASE("only whole regular files are read") {
  const test::TempDir dir;
  REQUIRE(mkfifo((dir / "pipe").c_str(), 0600) == 0);
  REQUIRE_THROWS_WITH(read_file(dir / "pipe"), Catch::Contains("not a regular file"));
  REQUIRE_THROWS_WITH(read_file("/dev/zero"), Catch::Contains("not a regular file"));
  write_file(dir / "a", "0123456789");
  REQUIRE(read_file(dir / "a", 10).size() == 10);
  REQUIRE_THROWS_WITH(read_file(dir / "a", 9), Catch::Contains("has 10 bytes; at most 9"));
  // The size of this file is given as 4096, and it has fewer bytes.
  if (!std::filesystem::exists("/sys/class/net/lo/mtu")) return;
  REQUIRE_THROWS_WITH(read_file("/sys/class/net/lo/mtu"), Catch::Contains("of 4096 bytes"));
}

TEST_CASE("a missing folder is an error with a hint") {
  REQUIRE_THROWS_AS(write_file("/nonexistent/x", "y"), Error);
  REQUIRE_THROWS_AS(read_file("/nonexistent/x"), Error);
  REQUIRE_THROWS_WITH(read_file("/tmp"), Catch::Contains("is a folder"));
}
