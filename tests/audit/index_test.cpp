#include "sluice/audit/index.h"

#include <sqlite3.h>

#include "audit/log_support.h"
#include "sluice/audit/references.h"
#include "sluice/base/file.h"
#include "support/catch.h"

namespace sluice::test {

using namespace audit;

TEST_CASE("the index finds what a scan of every record finds, grows with the log, and is rebuilt if it is missing") {
  const Decided decided;
  const TempDir dir;
  const auto folder = dir / "log";
  for (std::uint64_t first = 0; first < 120; first += 40) {
    {
      Log log(folder, {.segment_bytes = 9000});
      for (std::uint64_t i = first; i < first + 40; ++i) decided.append(log, i);
    }
    if (first == 80) std::filesystem::remove(folder / "index.db");
    LogIndex index(folder);
    CHECK(index.update() == (first == 80 ? 120 : 40));
    CHECK(index.update() == 0);
    std::vector<std::uint64_t> of_person, declined, early;
    for (std::uint64_t i = 0; i < first + 40; ++i) {
      if (i % 5 == 2) of_person.push_back(i);
      if (decided.decisions[i % 64].action == cascade::Action::decline) declined.push_back(i);
      if (i >= 5 && i < 9) early.push_back(i);
      REQUIRE(index.find({.id = "r" + std::to_string(i)}) == std::vector<std::uint64_t>{i});
    }
    CHECK(index.find({.subject = References::load(folder).subject("person 2")}) == of_person);
    CHECK(index.find({.action = cascade::Action::decline}) == declined);
    CHECK(index.find({.from_us = kNoon + 5, .until_us = kNoon + 9}) == early);
    CHECK(index.find({.id = "r1' OR 1=1"}).empty());
    CHECK(index.find({.limit = 3}).size() == 3);
  }
}

TEST_CASE("an index of entries that were lost in a crash is rebuilt") {
  const Decided decided;
  const TempDir dir;
  const auto folder = dir / "log";
  {
    Log log(folder);
  }
  std::filesystem::copy(folder, dir / "before");
  {
    Log log(folder);
    for (std::uint64_t i = 0; i < 10; ++i) decided.append(log, i);
  }
  CHECK(LogIndex(folder).update() == 10);
  for (const char* name : {"00000000.log", "checkpoints"}) write_file(folder / name, read_file(dir / "before" / name));
  {
    Log log(folder);
    for (std::uint64_t i = 0; i < 20; ++i) decided.append(log, i, "after");
  }
  LogIndex index(folder);
  CHECK(index.update() == 20);
  CHECK(index.find({.id = "r3"}).empty());
  CHECK(index.find({.id = "after3"}) == std::vector<std::uint64_t>{3});
}

TEST_CASE("an erased subject is removed from the index and from its file") {
  const Decided decided;
  const TempDir dir;
  const auto folder = dir / "log";
  {
    Log log(folder, {.encrypt = true});
    for (std::uint64_t i = 0; i < 20; ++i) decided.append(log, i, i % 5 == 3 ? "telling-" : "r");
  }
  LogIndex index(folder);
  CHECK(index.update() == 20);
  CHECK(index.find({.subject = References::load(folder).subject("person 3")}).size() == 4);
  {
    Log log(folder);
    REQUIRE(log.erase(log.subject_reference("person 3"), kNoon));
  }
  // The erasure has updated the index.
  CHECK(read_file(folder / "index.db").find("telling-") == std::string::npos);
  CHECK(read_file(folder / "index.db-wal").find("telling-") == std::string::npos);
  CHECK(index.update() == 0);
  CHECK(index.find({.subject = References::load(folder).subject("person 3")}).empty());
  CHECK(index.find({}).size() == 16);
  CHECK(read_file(folder / "index.db").find("telling-") == std::string::npos);
}

TEST_CASE("an index that is garbage, of other tables, or has triggers is rebuilt") {
  const Decided decided;
  const TempDir dir;
  const auto folder = dir / "log", path = folder / "index.db";
  {
    Log log(folder);
    for (std::uint64_t i = 0; i < 20; ++i) decided.append(log, i);
  }
  LogIndex(folder).update();
  const auto spoil = [&](const char* sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
  };
  const auto is_right = [&] {
    LogIndex index(folder);
    index.update();
    return index.find({.id = "r3"}) == std::vector<std::uint64_t>{3} && index.find({}).size() == 20;
  };
  spoil("CREATE TRIGGER forget AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE entry = 3; END");
  CHECK(is_right());
  spoil("CREATE TRIGGER forget BEFORE DELETE ON log BEGIN DELETE FROM entries; END");
  CHECK(is_right());
  spoil("DROP TABLE entries; CREATE VIEW entries AS SELECT 1 AS entry, 'r3' AS request");
  CHECK(is_right());
  spoil("DROP TABLE reviews");
  CHECK(is_right());
  for (const char* name : {"index.db-wal", "index.db-shm"}) std::filesystem::remove(folder / name);
  write_file(path,
             "SQLite format 3 is not what this is, although it is long enough to look like a header of a file "
             "of that format, and longer than it.");
  CHECK(is_right());
  std::string bytes = read_file(path);
  for (std::size_t at = 100; at < bytes.size(); at += 97) bytes[at] = '\xa5';
  write_file(path, bytes);
  CHECK(is_right());
  spoil("DELETE FROM entries WHERE entry = 3");  // nothing in the file shows it
  LogIndex index(folder);
  CHECK(index.find({.id = "r3"}).empty());
  CHECK(index.rebuild() == 20);
  CHECK(index.find({.id = "r3"}) == std::vector<std::uint64_t>{3});
}

TEST_CASE("the index of an encrypted log contains no id") {
  const Decided decided;
  const TempDir dir;
  const auto folder = dir / "log";
  {
    Log log(folder, {.encrypt = true});
    for (std::uint64_t i = 0; i < 20; ++i) decided.append(log, i, "telling-");
  }
  {
    LogIndex index(folder);
    index.update();
    CHECK(index.find({.id = "telling-7"}) == std::vector<std::uint64_t>{7});
  }
  for (const auto& file : std::filesystem::directory_iterator(folder))
    CHECK(read_file(file.path()).find("telling-") == std::string::npos);
}

}  // namespace sluice::test
