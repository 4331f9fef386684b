#include "sluice/audit/log.h"
#include "sluice/audit/references.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "audit/log_support.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;

TEST_CASE("records are read back in order and the log verifies, with any durability and segment size") {
  const Decided decided;
  for (const auto durability : {Durability::none, Durability::interval, Durability::every})
    for (const std::uint64_t segment_bytes : {std::uint64_t{256} << 20, std::uint64_t{5000}}) {
      const TempDir dir;
      const std::size_t n = 200;
      {
        Log log(dir / "log", {.durability = durability, .segment_bytes = segment_bytes, .checkpoint_entries = 64});
        CHECK(log.opened().created);
        for (std::size_t i = 0; i < n; ++i) REQUIRE(decided.append(log, i) == Appended::recorded);
        REQUIRE(log.flush(10'000));
        CHECK(log.status().n_entries == n);
        CHECK(log.close() == 0);
      }
      const auto ids = ids_of(dir / "log");
      REQUIRE(ids.size() == n);
      for (std::size_t i = 0; i < n; ++i) REQUIRE(ids[i] == "r" + std::to_string(i));
      const auto report = verify_log(dir / "log");
      CAPTURE(segment_bytes, report.faults.empty() ? "" : to_string(report.faults[0]));
      REQUIRE(report.is_whole());
      CHECK(report.n_entries == n);
      CHECK(report.n_covered == n);
      CHECK((report.n_segments > 1) == (segment_bytes == 5000));
    }
}

TEST_CASE("an entry's payload is the decision's record") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log");
    for (std::size_t i = 0; i < 50; ++i) decided.append(log, i);
  }
  LogReader reader(dir / "log");
  const auto references = References::load(dir / "log");
  EntryView entry;
  for (std::size_t i = 0; i < 50; ++i) {
    REQUIRE(reader.next(entry));
    std::string bytes;
    const auto time = kNoon + static_cast<std::int64_t>(i);
    encode(bytes, *decided.bundle, decided.decisions[i],
           {.id = "r" + std::to_string(i),
            .subject = references.subject("person " + std::to_string(i % 5)),
            .time_in_us = time,
            .time_out_us = time,
            .row = decided.rows.row(i)});
    REQUIRE(entry.payload == bytes);
    CHECK(entry.header.time_us == time);
    CHECK(entry.header.subject == references.subject("person " + std::to_string(i % 5)));
  }
}

TEST_CASE("a reopened log continues where it ended") {
  const Decided decided;
  const TempDir dir;
  for (std::size_t round = 0; round < 5; ++round) {
    Log log(dir / "log", {.segment_bytes = 20'000});
    CHECK(log.opened().n_entries == 30 * round);
    CHECK(log.opened().message.empty());
    for (std::size_t i = 0; i < 30; ++i) decided.append(log, 30 * round + i);
  }
  const auto ids = ids_of(dir / "log");
  REQUIRE(ids.size() == 150);
  for (std::size_t i = 0; i < ids.size(); ++i) REQUIRE(ids[i] == "r" + std::to_string(i));
  REQUIRE(verify_log(dir / "log").is_whole());
}

TEST_CASE("many threads append at once: every record is in the log once") {
  const Decided decided;
  constexpr std::size_t kThreads = 4, kEach = 1000;
  for (const auto& [ring, spill] : {std::pair<std::size_t, std::size_t>{8192, 0}, {16, 0}, {4, 50}}) {
    const TempDir dir;
    {
      Log log(dir / "log", {.ring_records = ring, .spill_records = spill, .max_wait_ms = 60'000});
      std::vector<std::thread> threads;
      for (std::size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
          for (std::size_t i = 0; i < kEach; ++i) decided.append(log, i, "t" + std::to_string(t) + "-");
        });
      for (auto& thread : threads) thread.join();
      const LogStatus status = log.status();
      CHECK(status.appended + status.refused == kThreads * kEach);
      REQUIRE(status.refused == 0);
      REQUIRE(log.close() == 0);
      REQUIRE(ids_of(dir / "log").size() == status.appended);
    }
    const auto ids = ids_of(dir / "log");
    REQUIRE(std::set(ids.begin(), ids.end()).size() == ids.size());
    REQUIRE(verify_log(dir / "log").is_whole());
  }
}

TEST_CASE("with every-decision durability, each record is in the file when append returns, also with many threads") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.durability = Durability::every});
  std::vector<std::thread> threads;
  std::atomic<int> n_missing{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 20; ++i) {
        const std::string prefix = "t" + std::to_string(t) + "-";
        if (decided.append(log, i, prefix) != Appended::recorded) ++n_missing;
        const auto bytes = read_file(dir / "log" / "00000000.log");
        n_missing += bytes.find(prefix + std::to_string(i)) == bytes.npos;
      }
    });
  for (auto& thread : threads) thread.join();
  REQUIRE(n_missing == 0);
}

TEST_CASE("a log has one writer") {
  const TempDir dir;
  {
    Log log(dir / "log");
    CHECK(code_of([&] { Log second(dir / "log"); }) == "log.locked");
  }
  CHECK(code_of([&] { Log second(dir / "log"); }).empty());
}

TEST_CASE("times are recorded as given, and times that go back are marked and do not change the order") {
  const Decided decided;
  const TempDir dir;
  const std::int64_t times[] = {kNoon, kNoon - 500'000, kNoon - 3'600'000'000, -5, kNoon + 1};
  {
    Log log(dir / "log");
    for (const auto time : times)
      log.append(*decided.bundle, decided.decisions[0], {.time_out_us = time, .row = decided.rows.row(0)});
  }
  LogReader reader(dir / "log");
  EntryView entry;
  for (std::size_t i = 0; i < std::size(times); ++i) {
    REQUIRE(reader.next(entry));
    CHECK(entry.header.index == i);
    CHECK(entry.header.time_us == times[i]);
    CHECK(((entry.header.flags & kClockWentBack) != 0) == (i == 2 || i == 3));
  }
  CHECK(verify_log(dir / "log").n_clock_went_back == 2);
}

TEST_CASE("a record that cannot be encoded is refused and counted, and the others are written") {
  const Decided decided;
  const TempDir dir;
  const std::string long_id(70'000, 'x');
  Log log(dir / "log");
  CHECK(decided.append(log, 0) == Appended::recorded);
  CHECK(log.append(*decided.bundle, decided.decisions[0], {.id = long_id, .row = decided.rows.row(0)}) ==
        Appended::refused);
  CHECK(decided.append(log, 1) == Appended::recorded);
  CHECK(log.close() == 0);
  CHECK(log.status().refused == 1);
  CHECK(ids_of(dir / "log") == std::vector<std::string>{"r0", "r1"});
}

TEST_CASE("a folder that cannot be created and a malformed signing key are errors") {
  const TempDir dir;
  write_file(dir / "file", "x");
  CHECK(code_of([&] { Log log(dir / "file" / "log"); }) == "file.write");
  std::filesystem::create_directory(dir / "log");
  write_file(dir / "log" / "signing.key", "not a key", AtomicFile::Mode::owner_only);
  CHECK(code_of([&] { Log log(dir / "log"); }) == "key.format");
}

TEST_CASE("a log is signed only with its own key") {
  const TempDir dir;
  {
    Log log(dir / "log");
  }
  SigningKey::generate().save(dir / "other");
  CHECK(code_of([&] { Log log(dir / "log", {.signing_key = dir / "other"}); }) == "key.mismatch");
}

TEST_CASE("erasing a subject makes its records unreadable, leaves no trace of the key, and the log still verifies") {
  const Decided decided;
  const TempDir dir;
  std::string key_bytes;
  {
    Log log(dir / "log", {.encrypt = true});
    for (std::size_t i = 0; i < 40; ++i) decided.append(log, i);
    REQUIRE(log.flush(10'000));
    const auto subject = log.subject_reference("person 3");
    {
      SubjectKeys keys(dir / "log" / "keys.db");
      const auto& bytes = keys.of(subject).secret.bytes;
      key_bytes.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    REQUIRE(log.erase(subject, kNoon));
    REQUIRE_FALSE(log.erase(subject, kNoon));
    for (std::size_t i = 40; i < 45; ++i) decided.append(log, i);
  }
  const auto ids = ids_of(dir / "log");
  REQUIRE(ids.size() == 46);
  for (std::size_t i = 0; i < 40; ++i) CHECK(ids[i] == (i % 5 == 3 ? "erased" : "r" + std::to_string(i)));
  CHECK(ids[40] == "!erasure");
  CHECK(ids[44] == "r43");  // the same person, later: under a new key
  const auto report = verify_log(dir / "log");
  CHECK(report.is_whole());
  CHECK(report.n_erasures == 1);
  for (const auto& file : std::filesystem::directory_iterator(dir / "log")) {
    CAPTURE(file.path());
    CHECK(read_file(file.path()).find(key_bytes) == std::string::npos);
  }
}

TEST_CASE("ciphertext does not contain the record's text, and a log without keys cannot erase") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log", {.encrypt = true});
    for (std::size_t i = 0; i < 10; ++i) decided.append(log, i, "a-telling-name-");
  }
  CHECK(read_file(dir / "log" / "00000000.log").find("a-telling-name-") == std::string::npos);
  Log plain(dir / "plain");
  CHECK(code_of([&] { plain.erase(1, kNoon); }) == "keys.off");
  plain.close();
  CHECK(code_of([&] { Log log(dir / "plain", {.encrypt = true}); }) == "keys.off");
}

TEST_CASE("an old keys.db brings no erased subject back, and one of another log, or none, is refused") {
  const Decided decided;
  const TempDir dir;
  const auto keys = dir / "log" / "keys.db";
  for (const char* name : {"log", "other"}) {
    Log log(dir / name, {.segment_bytes = 4000, .encrypt = true});
    for (std::size_t i = 0; i < 40; ++i) decided.append(log, i);
  }
  std::filesystem::copy(keys, dir / "old");
  {
    Log log(dir / "log");
    REQUIRE(log.erase(log.subject_reference("person 3"), kNoon));
    for (std::size_t i = 40; i < 80; i += 5) decided.append(log, i);
  }
  const auto put_back = [&](const std::filesystem::path& file) {
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(keys.string() + ending);
    if (!file.empty()) std::filesystem::copy(file, keys);
  };
  const auto expected = ids_of(dir / "log");
  REQUIRE(std::count(expected.begin(), expected.end(), "erased") == 8);
  put_back(dir / "old");
  CHECK(ids_of(dir / "log") == expected);  // for a reader
  {
    const Log log(dir / "log");
  }
  CHECK(ids_of(dir / "log") == expected);
  SubjectKeys opened(keys);
  CHECK_FALSE(opened.number_of(References::load(dir / "log").subject("person 3"))
                  .has_value());  // the writer has deleted the key

  put_back(dir / "other" / "keys.db");
  CHECK(code_of([&] { ids_of(dir / "log"); }) == "keys.log");
  CHECK(code_of([&] { Log log(dir / "log"); }) == "keys.log");
  put_back({});
  CHECK(code_of([&] { ids_of(dir / "log"); }) == "keys.none");
  CHECK(code_of([&] { Log log(dir / "log"); }) == "keys.none");
  CHECK(code_of([&] { Log log(dir / "log", {.encrypt = true}); }) == "keys.none");
}

TEST_CASE("an erasure while another process keeps an old page of keys.db is an error, and can be repeated") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.encrypt = true});
  const auto subject = log.subject_reference("person 3");
  for (std::size_t i = 0; i < 10; ++i) decided.append(log, i);
  REQUIRE(log.flush(10'000));
  sqlite3* reader = nullptr;
  REQUIRE(sqlite3_open((dir / "log" / "keys.db").c_str(), &reader) == SQLITE_OK);
  REQUIRE(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM keys", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(code_of([&] { log.erase(subject, kNoon); }) == "keys.database");
  REQUIRE(sqlite3_exec(reader, "END", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(reader);
  CHECK_FALSE(log.erase(subject, kNoon));  // it had no key any more
  log.close();
  CHECK(verify_log(dir / "log").n_erasures == 1);
  CHECK(ids_of(dir / "log")[3] == "erased");
}

TEST_CASE("a record that cannot be stored is refused alone, with the reason, and those around it are stored") {
  const Decided decided;
  const TempDir dir;
  const std::string long_id(70'000, 'x'), bad_id = "id \xff";
  const std::vector<double> narrow(decided.rows.n_columns() - 1), wide(decided.rows.n_columns() + 1);
  const std::vector<cascade::Reason> many(65'536);
  Log log(dir / "log");
  const auto append = [&](DecisionContext context) {
    if (context.row.empty()) context.row = decided.rows.row(0);
    return log.append(*decided.bundle, decided.decisions[0], context);
  };
  REQUIRE(append({.id = "first"}) == Appended::recorded);
  CHECK(append({.id = long_id}) == Appended::refused);
  CHECK_THAT(log.status().refusal, Catch::Contains("70000 bytes"));
  CHECK(append({.id = bad_id}) == Appended::refused);
  CHECK_THAT(log.status().refusal, Catch::Contains("\\xff") && Catch::Contains("UTF-8"));
  CHECK(append({.id = "a", .arm = bad_id}) == Appended::refused);
  CHECK(append({.id = "b", .row = narrow}) == Appended::refused);
  CHECK_THAT(log.status().refusal, Catch::Contains("columns"));
  CHECK(append({.id = "c", .row = wide}) == Appended::refused);
  CHECK(append({.id = "d", .reasons = many}) == Appended::refused);
  REQUIRE(append({.id = "last"}) == Appended::recorded);
  CHECK(log.status().refused == 6);
  CHECK(log.close() == 0);
  CHECK(ids_of(dir / "log") == std::vector<std::string>{"first", "last"});
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE("an open log reads its closed segments again, and reports one that was changed") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log", {.segment_bytes = 4000});
    for (std::size_t i = 0; i < 60; ++i) {
      decided.append(log, i);
      if (i % 12 == 11) REQUIRE(log.flush(60'000));
    }
  }
  const std::size_t n_closed = segment_numbers(dir / "log").size() - 1;
  REQUIRE(n_closed > 3);
  const auto until = [&](Log& log, auto&& holds) {
    for (int n = 0; n < 5000 && !holds(log.status()); ++n) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return log.status();
  };
  {
    Log log(dir / "log", {.scrub_bytes_per_s = 1 << 30});
    const auto status = until(log, [&](const LogStatus& s) { return s.n_scrubbed == n_closed; });
    CHECK(status.n_scrubbed == n_closed);
    CHECK(status.damage.empty());
  }
  const auto path = dir / "log" / "00000002.log";
  const std::string whole = read_file(path);
  for (const std::size_t at : {std::size_t{60}, whole.size() / 2, whole.size() - 1}) {
    std::string changed = whole;
    changed[at] ^= 1;
    write_file(path, changed);
    Log log(dir / "log", {.scrub_bytes_per_s = 1 << 30});
    decided.append(log, 1);  // decisions continue
    const auto status = until(log, [](const LogStatus& s) { return !s.damage.empty(); });
    CAPTURE(at);
    CHECK_THAT(status.damage, Catch::Contains("0000000"));
    CHECK(log.close() == 0);
    write_file(path, whole);
  }
}

}  // namespace sluice::test
