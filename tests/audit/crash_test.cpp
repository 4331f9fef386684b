// Logs whose process is killed or whose disk is full: no acknowledged record is lost.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <thread>

#include "audit/log_support.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "support/catch.h"

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

TEST_CASE("a torn write after the last whole entry is moved to a separate file wherever it was cut, and reported") {
  const Decided decided;
  const TempDir dir;
  {
    Log log(dir / "log");
  }
  std::filesystem::copy(dir / "log", dir / "empty");
  {
    Log log(dir / "log");
    for (std::size_t i = 0; i < 3; ++i) decided.append(log, i);
  }
  const std::string whole = read_file(dir / "log" / "00000000.log");
  std::vector<std::size_t> starts;
  LogReader reader(dir / "log");
  for (EntryView entry; reader.next(entry);) starts.push_back(reader.offset());
  for (std::size_t size = starts[0]; size < whole.size(); size += 41) {
    const TempDir copy;
    std::filesystem::copy(dir / "empty", copy / "log");
    write_file(copy / "log" / "00000000.log", whole.substr(0, size));
    std::size_t n_whole = 0;
    while (n_whole < 3 && (n_whole + 1 < 3 ? starts[n_whole + 1] : whole.size()) <= size) ++n_whole;
    const bool torn = size != starts[n_whole];
    {
      Log log(copy / "log");
      CAPTURE(size);
      CHECK(log.opened().n_entries == n_whole);
      CHECK(log.opened().truncated_bytes == size - starts[n_whole]);
      CHECK(log.opened().message.empty() != torn);
      decided.append(log, 9);
    }
    const auto ids = ids_of(copy / "log");
    REQUIRE(ids.size() == n_whole + torn + 1);
    CHECK(ids.back() == "r9");
    CHECK(verify_log(copy / "log").is_whole());
  }
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

}  // namespace sluice::test
