// Logs whose process is killed or whose disk is full: no acknowledged record is lost.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "audit/log_support.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;

namespace {

/// In a child process: appends from two threads and writes each acknowledged id to the pipe `tell`.
[[noreturn]] void append_until_killed(const std::filesystem::path& folder, const Decided& decided, int tell,
                                      int round) {
  try {
    Log log(folder, {.durability = Durability::every, .segment_bytes = 20'000, .checkpoint_entries = 50});
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0;; ++i) {
          const std::string prefix = std::to_string(round) + "." + std::to_string(t) + ".";
          if (decided.append(log, i, prefix) != Appended::recorded) continue;
          const std::string line = prefix + std::to_string(i) + "\n";
          (void)!write(tell, line.data(), line.size());
        }
      });
    for (auto& thread : threads) thread.join();
  } catch (...) {
  }
  _exit(1);
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(descriptor, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

}  // namespace

TEST_CASE("killed at any moment, a log keeps every acknowledged record, verifies, and continues with the next index") {
  const Decided decided;
  const TempDir dir;
  Random random(7);
  std::set<std::string> acknowledged;
  const char* const rounds = std::getenv("SLUICE_KILLS");
  for (int round = 0, n = rounds ? std::atoi(rounds) : 5; round < n; ++round) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    const pid_t child = fork();
    if (child == 0) append_until_killed(dir / "log", decided, pipes[1], round);
    close(pipes[1]);
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random.below(150'000)));
      kill(child, SIGKILL);
    });
    const std::string told = read_all(pipes[0]);
    killer.join();
    close(pipes[0]);
    waitpid(child, nullptr, 0);
    for (std::size_t at = 0; told.find('\n', at) != told.npos; at = told.find('\n', at) + 1)
      acknowledged.insert(told.substr(at, told.find('\n', at) - at));
    {
      Log log(dir / "log");
    }  // recovers
    const auto report = verify_log(dir / "log");
    CAPTURE(round, report.faults.empty() ? "" : to_string(report.faults[0]));
    REQUIRE(report.is_whole());
    const auto ids = ids_of(dir / "log");
    const std::set<std::string> kept(ids.begin(), ids.end());
    for (const auto& id : acknowledged) REQUIRE(kept.contains(id));
    REQUIRE(ids.size() == report.n_entries);
  }
  REQUIRE_FALSE(acknowledged.empty());
}

TEST_CASE("a torn group is moved to a separate file wherever it was cut, and whole entries need an order") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log");
  }
  std::filesystem::copy(dir / "log", dir / "empty");
  {
    Log log(dir / "log");
    decided.append(log, 0);
    REQUIRE(log.flush(60'000));
    for (std::size_t i = 1; i < 4; ++i) decided.append(log, i);
  }
  const std::string whole = read_file(dir / "log" / "00000000.log");
  std::vector<std::size_t> ends{segment_header_bytes(0)};                     // of entries, without their marks
  std::map<std::size_t, std::size_t> n_marked{{segment_header_bytes(0), 0}};  // number of entries up to a mark's end
  LogReader reader(dir / "log");
  for (EntryView entry; reader.next(entry);) {
    const std::size_t end = reader.offset() + entry.size();
    ends.push_back(end - entry.mark.size());
    if (!entry.mark.empty()) n_marked[end] = ends.size() - 1;
  }
  REQUIRE(n_marked.size() >= 3);
  std::set<std::size_t> sizes(ends.begin(), ends.end());
  for (std::size_t size = ends[0]; size <= whole.size(); size += 41) sizes.insert(size);
  for (const auto& [end, n] : n_marked) sizes.insert(end);
  for (const std::size_t size : sizes) {
    const TempDir copy;
    std::filesystem::copy(dir / "empty", copy / "log");
    write_file(copy / "log" / "00000000.log", whole.substr(0, size));
    const auto [proved_end, n_proved] = *std::prev(n_marked.upper_bound(size));
    const auto n_whole = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1);
    const bool torn = size != proved_end;
    CAPTURE(size, proved_end, n_proved, n_whole);
    if (torn && std::find(ends.begin(), ends.end(), size) != ends.end()) {
      CHECK(code_of([&] { Log log(copy / "log"); }) == "log.unsigned_tail");
      CHECK(verify_log(copy / "log").faults.front().code == "log.unsigned_tail");
      {
        const Log log(copy / "log", {.adopt_by = "A. Jansen", .adopt_why = "a test"});
        CHECK(log.opened().n_adopted == n_whole - n_proved);
      }
      CHECK(ids_of(copy / "log").back() == "!adoption");
      CHECK(verify_log(copy / "log").n_adoptions == 1);
    } else {
      Log log(copy / "log");
      CHECK(log.opened().n_entries == n_proved);
      CHECK(log.opened().truncated_bytes == size - proved_end);
      CHECK(log.opened().message.empty() != torn);
      decided.append(log, 9);
      log.close();
      const auto ids = ids_of(copy / "log");
      REQUIRE(ids.size() == n_proved + torn + 1);
      CHECK(ids.back() == "r9");
    }
    CHECK(verify_log(copy / "log").is_whole());
  }
}

TEST_CASE("whatever follows the last mark is set aside unless it is whole, and the log goes on") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log");
    decided.append(log, 0);
    decided.append(log, 1);
  }
  const std::string whole = read_file(dir / "log" / "00000000.log");
  LogReader reader(dir / "log");
  LogState state(parse_segment_header(whole).log);
  std::string entry, mark, strange;
  for (EntryView view; reader.next(view);) REQUIRE(state.accept(view).empty());
  state.seal({.time_us = kNoon}, "a forged payload", entry);
  state.mark(MarkKey{}, strange);
  mark = strange;
  mark[40] ^= 1;  // of the HMAC; the chain hash no longer fits
  const std::string tails[] = {entry + mark, entry + mark + strange, std::string(96, '\0'), entry.substr(0, 60),
                               entry + strange.substr(0, 50)};
  for (const auto& tail : tails) {
    const TempDir copy;
    std::filesystem::copy(dir / "log", copy / "log", std::filesystem::copy_options::recursive);
    write_file(copy / "log" / "00000000.log", whole + tail);
    CAPTURE(tail.size());
    {
      Log log(copy / "log");
      CHECK(log.opened().n_entries == 2);
      CHECK(log.opened().truncated_bytes == tail.size());
      decided.append(log, 9);
    }
    CHECK(ids_of(copy / "log") == std::vector<std::string>{"r0", "r1", "!recovery", "r9"});
    CHECK(verify_log(copy / "log").is_whole());
  }
  write_file(dir / "log" / "00000000.log", whole + entry + strange);  // whole, with the mark of another key
  CHECK(code_of([&] { Log log(dir / "log"); }) == "log.unsigned_tail");
}

TEST_CASE("entries missing below a checkpoint are not a torn write: the log does not open") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log");
    for (std::size_t i = 0; i < 3; ++i) decided.append(log, i);
  }
  const auto path = dir / "log" / "00000000.log";
  const std::string whole = read_file(path);
  write_file(path, whole.substr(0, whole.size() - 10));
  try {
    Log log(dir / "log");
    FAIL("it opened");
  } catch (const Error& e) {
    CHECK(e.code() == "log.damaged");
  }
  CHECK(read_file(path).size() == whole.size() - 10);
}

TEST_CASE("on a full disk records wait in memory and are counted, and they are written when there is room again") {
  const Decided decided;
  const TempDir dir;
  const pid_t child = fork();
  if (child == 0) {
    // A limit on file sizes simulates a full disk; it is lifted later.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small{20'000, RLIM_INFINITY}, large{RLIM_INFINITY, RLIM_INFINITY};
    int wrong = 0;
    Log log(dir / "log", {.ring_records = 64, .spill_records = 64, .max_wait_ms = 10'000});
    setrlimit(RLIMIT_FSIZE, &small);
    std::uint64_t n_kept = 0, n_refused = 0, i = 0;
    while (n_refused < 10 && i < 5000) (decided.append(log, i++) == Appended::refused ? n_refused : n_kept)++;
    const LogStatus full = log.status();
    wrong |= full.degraded && full.trouble.find("log.write") == 0 ? 0 : 1;
    wrong |= full.refused == n_refused && full.spilled > 0 && full.n_write_errors > 0 ? 0 : 2;
    wrong |= log.flush(50) ? 4 : 0;
    setrlimit(RLIMIT_FSIZE, &large);
    wrong |= log.flush(20'000) && !log.status().degraded && log.status().n_entries == n_kept ? 0 : 8;
    wrong |= decided.append(log, 9999) == Appended::recorded && log.close() == 0 ? 0 : 16;
    wrong |= ids_of(dir / "log").size() == n_kept + 1 && verify_log(dir / "log").is_whole() ? 0 : 32;
    _exit(wrong);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
}

TEST_CASE("after a fork only the parent writes: the child's log refuses, and the parent's goes on") {
  const Decided decided;
  const TempDir dir;
  auto own = std::make_unique<Log>(dir / "log");
  Log& log = *own;
  decided.append(log, 0);
  const pid_t child = fork();
  if (child == 0) {
    int wrong = decided.append(log, 1, "child") == Appended::refused ? 0 : 1;
    wrong |= log.flush(100) ? 2 : 0;
    wrong |= log.status().trouble.starts_with("log.forked") ? 0 : 4;
    wrong |= code_of([&] { log.retain(1, "x", 2); }) == "log.forked" ? 0 : 8;
    wrong |= code_of([&] { log.append_reviews({}, 1); }) == "log.forked" ? 0 : 16;
    log.close();
    own.reset();
    _exit(wrong);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(code_of([&] { Log another(dir / "log"); }) == "log.locked");  // the child's end did not release the lock
  CHECK(decided.append(log, 2) == Appended::recorded);
  CHECK(log.close() == 0);
  CHECK(ids_of(dir / "log") == std::vector<std::string>{"r0", "r2"});
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE("a log that is deleted or replaced under its writer is reported, and no other process can open it") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.durability = Durability::every, .max_wait_ms = 300});
  REQUIRE(decided.append(log, 0) == Appended::recorded);
  for (const char* name : {"lock", "checkpoints.lock"}) std::filesystem::remove(dir / "log" / name);
  CHECK(code_of([&] { Log another(dir / "log"); }) == "log.locked");
  const auto path = dir / "log" / "00000000.log";
  SECTION("deleted") { std::filesystem::remove(path); }
  SECTION("replaced by a copy") {
    std::filesystem::copy(path, dir / "copy");
    std::filesystem::rename(dir / "copy", path);
  }
  SECTION("longer than it was") { std::ofstream(path, std::ios::app) << "x"; }
  CHECK(decided.append(log, 1) == Appended::spilled);  // waits in memory
  CHECK(log.status().degraded);
  CHECK_THAT(log.status().trouble, Catch::StartsWith("log.replaced: "));
  CHECK(log.close() == 1);
}

TEST_CASE("records that are appended while the log is closed are in it or refused") {
  const Decided decided;
  for (int round = 0; round < 40; ++round) {
    const TempDir dir;
    std::atomic<std::uint64_t> n_kept{0};
    {
      Log log(dir / "log", {.ring_records = 16, .spill_records = round % 2 ? std::size_t{8} : 0});
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
          for (std::uint64_t i = 0; i < 200; ++i) n_kept += decided.append(log, 1000 * t + i) != Appended::refused;
        });
      threads.emplace_back([&] { log.close(); });
      std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
      log.close();
      for (auto& thread : threads) thread.join();
    }
    REQUIRE(ids_of(dir / "log").size() == n_kept);
  }
}

}  // namespace sluice::test
