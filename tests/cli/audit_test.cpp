#include <sqlite3.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cli_support.h"
#include "cli/logged_folder.h"
#include "sluice/base/file.h"
#include "support/catch.h"

namespace sluice::test {

namespace {

void change_index(const std::filesystem::path& log, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((log / "index.db").c_str(), &database) == SQLITE_OK);
  INFO(sql);
  REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

std::vector<std::string> shown_ids(const Run& shown) {
  std::vector<std::string> ids;
  for (const auto& line : lines_of(shown.out)) ids.push_back(nlohmann::json::parse(line)["record"]["id"]);
  return ids;
}

}  // namespace

TEST_CASE("whatever somebody does to the index, audit show gives the log's own answer and rebuilds the index") {
  const LoggedFolder logged(60, "--subject customer");
  const auto log = logged.path() / "log";
  const auto show = [&](const std::string& flags) { return run(logged.path(), "sluice audit show log " + flags); };
  const auto right = shown_ids(show("--subject customer-3"));
  REQUIRE(right.size() == 9);
  REQUIRE(show("--fast --id request-3").exit_code == 0);  // makes the index
  const char* changes[] = {
      "DELETE FROM entries WHERE entry IN (3, 10)",
      "UPDATE entries SET request = CAST('request-4' AS BLOB) WHERE entry = 3",
      "UPDATE entries SET subject = 7 WHERE entry IN (3, 10)",
      "DELETE FROM entries",
      "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE entry = 3; END",
      "UPDATE log SET size = 4",
      "INSERT INTO entries SELECT 1000 + entry, request, subject, key, time, action FROM entries",
      "DROP TABLE entries",
  };
  for (const char* change : changes) {
    CAPTURE(change);
    change_index(log, change);
    CHECK(shown_ids(show("--subject customer-3")) == right);
    CHECK(shown_ids(show("--fast --subject customer-3")) == right);
    change_index(log, change);
    CHECK(shown_ids(show("--id request-3")) == std::vector<std::string>{"request-3"});
    CHECK(shown_ids(show("--fast --id request-3")) == std::vector<std::string>{"request-3"});
    run(logged.path(), "rm -f log/index.db*");
    CHECK(show("--fast --id request-3").exit_code == 0);
  }
  change_index(log, "UPDATE entries SET request = CAST('request-4' AS BLOB) WHERE entry = 3");
  const auto fast = show("--fast --id request-4");  // the index names two, and one of them says something else
  CHECK(shown_ids(fast) == std::vector<std::string>{"request-4"});
  CHECK_THAT(fast.err, Catch::Contains("index.db"));
  CHECK(shown_ids(show("--fast --id request-3")) == std::vector<std::string>{"request-3"});
  for (const char* name : {"index.db-wal", "index.db-shm"}) std::filesystem::remove(log / name);
  write_file(log / "index.db", "garbage");
  CHECK(shown_ids(show("--id request-3")) == std::vector<std::string>{"request-3"});
  CHECK(shown_ids(show("--fast --id request-3")) == std::vector<std::string>{"request-3"});
  std::filesystem::remove(log / "index.db");
  CHECK(shown_ids(show("--id request-3")) == std::vector<std::string>{"request-3"});
  CHECK_FALSE(std::filesystem::exists(log / "index.db"));
}

TEST_CASE("rotate-key replaces the key in the folder, or hands over to a file or a program") {
  const LoggedFolder logged(20);
  const auto log = logged.path() / "log";
  const auto sluice = [&](const std::string& command) { return run(logged.path(), "sluice " + command); };
  const std::string score = "score --bundle bundle --data rows.csv --id id --out d.csv --quiet --audit log ";
  const std::string first = read_file(log / "signing.key"), trusted = read_file(log / "signing.pub");

  CHECK(sluice("audit rotate-key log").exit_code == 0);
  CHECK(read_file(log / "signing.key") != first);
  CHECK(read_file(log / "signing.pub") == trusted);
  CHECK_FALSE(std::filesystem::exists(log / "signing.key.next"));
  CHECK(sluice(score).exit_code == 0);

  CHECK(sluice("audit rotate-key log --to elsewhere.key").exit_code == 0);
  const auto old = sluice(score);
  CHECK(old.exit_code == 1);
  CHECK_THAT(old.err, Catch::Contains("key.mismatch"));
  CHECK(sluice(score + "--audit-key elsewhere.key").exit_code == 0);

  write_file(logged.path() / "sign", "#!/bin/sh\nexec python3 -B '" SLUICE_SOURCE_DIR
                                     "/tests/audit/signer.py' "
                                     "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7 $1\n");
  std::filesystem::permissions(logged.path() / "sign", std::filesystem::perms::owner_all);
  CHECK(sluice("audit rotate-key log --audit-key elsewhere.key --to-signer ./sign").exit_code == 0);
  CHECK(sluice(score + "--audit-signer ./sign").exit_code == 0);
  CHECK(sluice(score + "--audit-key elsewhere.key").exit_code == 1);
  CHECK(sluice(score + "--audit-key elsewhere.key --audit-signer ./sign").exit_code == 2);

  const auto verified = sluice("audit verify log --key log/signing.pub --json");
  CHECK(verified.exit_code == 0);
  CHECK(nlohmann::json::parse(verified.out)["entries"] == 80);
  CHECK(sluice("audit rotate-key log --audit-signer ./sign --to-signer ./sign").exit_code == 1);
}

TEST_CASE("a log's keys are its owner's alone, and others' modes are refused") {
  const LoggedFolder logged(5, "--audit-keys --subject customer");
  const auto log = logged.path() / "log";
  const auto mode = [&](const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions() & std::filesystem::perms::all;
  };
  CHECK(mode(log) == std::filesystem::perms::owner_all);
  for (const char* name : {"signing.key", "subjects.key", "keys.db"}) {
    CAPTURE(name);
    CHECK(mode(log / name) == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
  for (const char* name : {"signing.key", "subjects.key"}) {
    std::filesystem::permissions(log / name, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    const auto refused = run(logged.path(), "sluice audit erase log --subject customer-1");
    CHECK(refused.exit_code == 1);
    CHECK_THAT(refused.err, Catch::Contains("key.mode") && Catch::Contains(name));
    std::filesystem::permissions(log / name, std::filesystem::perms::group_read, std::filesystem::perm_options::remove);
  }
  CHECK(run(logged.path(), "sluice audit erase log --subject customer-1").exit_code == 0);
  std::filesystem::remove(log / "subjects.key");
  CHECK_THAT(run(logged.path(), "sluice audit erase log --subject customer-2").err, Catch::Contains("keys.subjects"));
}

}  // namespace sluice::test
