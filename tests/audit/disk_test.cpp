// Logs whose disk hangs, fails or is read-only: decisions continue, the status reports the fault, and no kept record is
// lost.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "audit/log_support.h"
#include "sluice/audit/index.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace {

enum class Disk { sound, hangs, fails };
std::atomic<Disk> disk{Disk::sound};

}  // namespace

/// Replaces the system's function, the only call by which a log waits for its disk.
extern "C" int fdatasync(int descriptor) {
  while (disk == Disk::hangs) usleep(200);
  if (disk == Disk::fails) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

namespace sluice::test {

using namespace audit;

namespace {

struct Mood {
  explicit Mood(Disk now) { disk = now; }
  ~Mood() { disk = Disk::sound; }
};

constexpr uid_t kNobody = 65534;

/// Runs `work` in a child process that owns the folder and whose permissions are checked (root's are not). Returns its
/// exit code.
template <class Work>
int as_nobody(const std::filesystem::path& folder, const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 &&
        (chown(folder.c_str(), kNobody, kNobody) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0))
      _exit(100);
    try {
      _exit(work());
    } catch (...) {
      _exit(101);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 102;
}

/// Appends until ten are refused; returns how many were kept.
std::uint64_t append_until_refused(Log& log, const Decided& decided) {
  std::uint64_t n_kept = 0, n_refused = 0;
  for (std::uint64_t i = 0; n_refused < 10 && i < 20'000; ++i)
    ++(decided.append(log, i) == Appended::refused ? n_refused : n_kept);
  return n_kept;
}

}  // namespace

TEST_CASE(
    "while the disk hangs, records wait in memory, then are refused, and when it recovers, the kept ones are written") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.ring_records = 64, .spill_records = 64, .max_wait_ms = 20});
  std::uint64_t n_kept = 0;
  {
    const Mood hanging(Disk::hangs);
    n_kept = append_until_refused(log, decided);
    const LogStatus status = log.status();
    CHECK(status.refused == 10);
    CHECK(status.spilled >= 64);
    CHECK(status.appended == n_kept);
    CHECK_FALSE(log.flush(20));
  }
  REQUIRE(log.flush(20'000));
  CHECK(log.status().n_entries == n_kept);
  CHECK(log.close() == 0);
  CHECK(ids_of(dir / "log").size() == n_kept);
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE(
    "with every-decision durability a record that is not on disk in time is reported as spilled, and is not lost") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.durability = Durability::every, .max_wait_ms = 30});
  {
    const Mood hanging(Disk::hangs);
    CHECK(decided.append(log, 0) == Appended::spilled);
    CHECK(decided.append(log, 1) == Appended::spilled);
  }
  REQUIRE(log.flush(20'000));
  CHECK(ids_of(dir / "log") == std::vector<std::string>{"r0", "r1"});
}

TEST_CASE("while the disk fails the status reports it, and when it recovers, everything is written again") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.ring_records = 64, .spill_records = 64, .max_wait_ms = 20});
  for (std::size_t i = 0; i < 5; ++i) decided.append(log, i, "before");
  REQUIRE(log.flush(10'000));
  std::uint64_t n_kept = 0;
  {
    const Mood failing(Disk::fails);
    n_kept = append_until_refused(log, decided);
    const LogStatus status = log.status();
    CHECK(status.degraded);
    CHECK(status.trouble == "log.write: 00000000.log: Input/output error");
    CHECK(status.n_write_errors > 0);
    CHECK(status.refused == 10);
  }
  REQUIRE(log.flush(20'000));
  CHECK_FALSE(log.status().degraded);
  CHECK(log.status().trouble.empty());
  CHECK(log.close() == 0);
  CHECK(ids_of(dir / "log").size() == 5 + n_kept);
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE("a log that is closed while its disk fails gives up and returns the number of records not written") {
  const Decided decided;
  const TempDir dir;
  Log log(dir / "log", {.max_wait_ms = 20});
  {
    const Mood failing(Disk::fails);
    for (std::size_t i = 0; i < 7; ++i) decided.append(log, i);
    CHECK(log.close() == 7);
  }
  CHECK(decided.append(log, 8) == Appended::refused);
  Log again(dir / "log");
  CHECK(again.opened().n_entries <= 7);  // what was written to the system may have reached the disk
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE("in a read-only folder no log can be opened for writing, but its log can be read") {
  const bool encrypted = GENERATE(false, true);
  const Decided decided;
  const TempDir dir;
  const int wrong = as_nobody(dir.path(), [&] {
    {
      Log log(dir / "log", {.encrypt = encrypted});
      for (std::size_t i = 0; i < 9; ++i) decided.append(log, i);
    }
    LogIndex(dir / "log").update();
    for (const auto& file : std::filesystem::directory_iterator(dir / "log")) chmod(file.path().c_str(), 0400);
    chmod((dir / "log").c_str(), 0555);
    chmod(dir.path().c_str(), 0555);
    int found = code_of([&] { Log log(dir / "log"); }) == "file.write" ? 0 : 1;
    found |= code_of([&] { Log log(dir / "another"); }) == "file.write" ? 0 : 2;
    found |= verify_log(dir / "log").is_whole() && ids_of(dir / "log").size() == 9 ? 0 : 4;
    found |= ids_of(dir / "log").back() == "r8" ? 0 : 8;
    found |= code_of([&] { LogIndex(dir / "log").update(); }) == "index.database" ? 0 : 16;
    chmod(dir.path().c_str(), 0755);
    chmod((dir / "log").c_str(), 0755);
    return found;
  });
  CHECK(wrong == 0);
}

TEST_CASE("if no new segment can be created, decisions continue, the status reports it, and nothing is lost") {
  const Decided decided;
  const TempDir dir;
  const int wrong = as_nobody(dir.path(), [&] {
    Log log(dir / "log", {.ring_records = 64, .spill_records = 64, .max_wait_ms = 20, .segment_bytes = 6000});
    chmod((dir / "log").c_str(), 0555);
    const std::uint64_t n_kept = append_until_refused(log, decided);
    const LogStatus status = log.status();
    int found = status.degraded && status.trouble.starts_with("file.write") ? 0 : 1;
    found |= status.refused == 10 && status.spilled > 0 ? 0 : 2;
    chmod((dir / "log").c_str(), 0755);
    found |= log.flush(20'000) && !log.status().degraded && log.status().n_entries == n_kept ? 0 : 4;
    found |= log.close() == 0 && ids_of(dir / "log").size() == n_kept ? 0 : 8;
    const auto report = verify_log(dir / "log");
    return found | (report.is_whole() && report.n_segments > 1 ? 0 : 16);
  });
  CHECK(wrong == 0);
}

TEST_CASE("a clock that went back is marked after a restart too, whichever segment has the latest time") {
  const Decided decided;
  const TempDir dir;
  constexpr std::uint64_t kAhead = 3'600'000'000;
  for (int round = 0; round < 3; ++round) {
    Log log(dir / "log", {.segment_bytes = 3000});
    if (round == 0) decided.append(log, kAhead);
    for (std::size_t i = 0; i < 10; ++i) {
      decided.append(log, i);
      log.flush(10'000);
    }
  }
  LogReader reader(dir / "log");
  std::size_t n = 0;
  for (EntryView entry; reader.next(entry); ++n) {
    CAPTURE(n);
    REQUIRE(((entry.header.flags & kClockWentBack) != 0) == (n > 0));
  }
  CHECK(n == 31);
  CHECK(verify_log(dir / "log").n_segments > 3);
}

}  // namespace sluice::test
