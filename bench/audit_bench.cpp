/// The decision log: what `decide` pays for it, appending, verifying, replaying.
///
///   audit_bench BUNDLE FOLDER [RECORDS]
///
/// Rows are random numbers of the bundle's columns; the log is made in FOLDER and left there.

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench_timing.h"
#include "sluice/audit/log.h"
#include "sluice/audit/log/posix_file.h"
#include "sluice/audit/replay.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "sluice/cascade/engine.h"

namespace {

std::atomic<std::uint64_t> n_syncs_called{0};

}  // namespace

/// Replaces the system's function, and counts the calls: the only one that makes a log's records durable.
extern "C" int fdatasync(int descriptor) {
  ++n_syncs_called;
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

namespace {

using namespace sluice;

constexpr std::size_t kRows = 4096, kRepeats = 5;
constexpr std::int64_t kTime = 1'700'000'000'000'000;

Table draw_rows(const Schema& schema) {
  Random random(1);
  Table rows(schema.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t c = 0; c < schema.size(); ++c) {
      const std::size_t n_words = schema[c].vocabulary.size();
      rows.row(i)[c] = n_words > 0 ? static_cast<double>(random.below(n_words)) : random.normal();
    }
  return rows;
}

struct Appender {
  const cascade::Bundle& bundle;
  const Table& rows;
  const std::vector<cascade::Decision>& decisions;

  audit::Appended operator()(audit::Log& log, std::size_t i) const {
    char id[24];
    const int n = std::snprintf(id, sizeof id, "request-%zu", i);
    const auto time = kTime + static_cast<std::int64_t>(i);
    return log.append(bundle, decisions[i % kRows],
                      {.id = {id, static_cast<std::size_t>(n)},
                       .subject = mix64(i % 1000),
                       .time_in_us = time,
                       .time_out_us = time,
                       .row = rows.row(i % kRows)});
  }
};

double mean_record_bytes(const std::filesystem::path& folder, std::size_t n) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (file.path().extension() == ".log") bytes += file.file_size();
  return static_cast<double>(bytes) / static_cast<double>(n);
}

/// From the first append until everything is on disk.
void bench_append(const Appender& append, const std::filesystem::path& folder, std::size_t n, bool encrypt) {
  double best = 1e300, calls = 0;
  std::uint64_t spilled = 0;
  for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
    std::filesystem::remove_all(folder);
    audit::Log log(folder, {.max_wait_ms = 60'000, .encrypt = encrypt});
    const double us = bench::microseconds([&] {
      calls = bench::microseconds([&] {
        for (std::size_t i = 0; i < n; ++i) append(log, i);
      });
      log.flush(60'000);
    });
    best = std::min(best, us);
    spilled = log.status().spilled;
    log.close();
  }
  std::printf(
      "| append, interval durability%s | %.0f records/s | %.0f bytes each, %llu spilled, %.2f µs a call when the ring "
      "is full |\n",
      encrypt ? ", encrypted (1,000 subjects)" : "", 1e6 * static_cast<double>(n) / best, mean_record_bytes(folder, n),
      static_cast<unsigned long long>(spilled), calls / static_cast<double>(n));
}

/// Calls one by one, far enough apart that the log's thread keeps up.
void bench_decide(const cascade::Engine& engine, const Appender& append, const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  audit::Log log(folder);
  std::size_t i = 0;
  const auto decide = [&] { engine.decide(append.rows.row(i++ % kRows)); };
  const auto both = [&] {
    const auto d = engine.decide(append.rows.row(i++ % kRows));
    log.append(append.bundle, d,
               {.id = "request-1",
                .subject = 7,
                .time_in_us = kTime,
                .time_out_us = kTime,
                .row = append.rows.row(i % kRows)});
  };
  const auto times = bench::time_in_turns({{decide, 1}, {both, 1}}, 50'001);
  std::printf("| decide | %.2f µs | |\n| decide and append | %.2f µs | %.2f µs more |\n", times[0].median,
              times[1].median, times[1].median - times[0].median);
}

/// One record after the other written and made durable by one thread, without a log: microseconds each.
double time_bare_syncs(const std::filesystem::path& folder, const std::string& record, std::size_t n) {
  std::filesystem::create_directories(folder);
  const auto path = folder / "bare";
  std::filesystem::remove(path);
  const auto file = audit::PosixFile::open_to_write(path);
  const double us = bench::microseconds([&] {
    for (std::size_t i = 0; i < n; ++i)
      if (file.write_at(record, i * record.size()) != 0 || file.sync() != 0)
        throw Error("file.write", path.string() + " cannot be written");
  });
  return us / static_cast<double>(n);
}

/// Threads of which each appends its next record when its last is on disk.
struct EveryDecision {
  std::size_t n_threads;
  std::vector<double> times = {};  // of each round, microseconds a record
  std::uint64_t n_records = 0, n_syncs = 0;

  void run(const Appender& append, const std::filesystem::path& folder, std::size_t n_each) {
    std::filesystem::remove_all(folder);
    audit::Log log(folder, {.durability = audit::Durability::every, .max_wait_ms = 60'000});
    std::atomic<std::size_t> n_durable{0};
    std::latch start(static_cast<std::ptrdiff_t>(n_threads) + 1);
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < n_threads; ++t)
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (std::size_t i = 0; i < n_each; ++i) n_durable += append(log, t * n_each + i) == audit::Appended::recorded;
      });
    const std::uint64_t n_before = n_syncs_called;
    start.arrive_and_wait();
    const double us = bench::microseconds([&] { threads.clear(); });
    n_syncs += n_syncs_called - n_before;
    if (n_durable != n_threads * n_each) throw Error("log.write", "a record was not on disk within a minute");
    times.push_back(us / static_cast<double>(n_durable));
    n_records += n_durable;
  }

  void print() const {
    const double rate = 1e6 / bench::timing_of(times, 1).median,
                 n_each = static_cast<double>(n_records) / static_cast<double>(n_syncs);
    std::printf(
        "| append, every-decision durability, %zu thread%s | %.0f records/s | %.1f records a sync, %.0f syncs/s |\n",
        n_threads, n_threads == 1 ? "" : "s", rate, n_each, rate / n_each);
  }
};

/// Syncs without a log before each log's turn: how fast a disk syncs changes from one second to the next.
void bench_every(const Appender& append, const std::filesystem::path& folder, std::size_t n_bytes) {
  constexpr std::size_t kRounds = 9, kSyncs = 100, kEach = 100;
  const std::string record(n_bytes, 'r');
  std::array<EveryDecision, 4> logs{{{1}, {2}, {8}, {32}}};
  std::vector<double> bare;
  for (std::size_t round = 0; round < kRounds; ++round)
    for (EveryDecision& log : logs) {
      bare.push_back(time_bare_syncs(folder, record, kSyncs));
      log.run(append, folder / "log", kEach);
    }
  const double rate = 1e6 / bench::timing_of(std::move(bare), 1).median;
  std::printf("| write of %zu bytes and fdatasync, no log | %.0f records/s | 1 record a sync, %.0f syncs/s |\n",
              n_bytes, rate, rate);
  for (const EveryDecision& log : logs) log.print();
}

void bench_read(const std::filesystem::path& folder, const std::shared_ptr<const cascade::Bundle>& bundle,
                std::size_t n) {
  audit::VerifyReport report;
  audit::ReplayReport replayed;
  const auto times = bench::time_in_turns(
      {{[&] { report = audit::verify_log(folder); }, n}, {[&] { replayed = audit::replay(folder, bundle); }, n}},
      kRepeats);
  std::printf("| verify | %.0f records/s | %s |\n| replay | %.0f records/s | %llu differ |\n", 1e6 / times[0].median,
              report.is_whole() ? "whole" : "NOT whole", 1e6 / times[1].median,
              static_cast<unsigned long long>(replayed.n_different));
}

void run(const char* bundle_folder, const std::filesystem::path& folder, std::size_t n) {
  const auto bundle = std::make_shared<const cascade::Bundle>(cascade::Bundle::load(bundle_folder));
  const cascade::Engine engine(bundle);
  const Table rows = draw_rows(bundle->schema);
  std::vector<cascade::Decision> decisions(kRows);
  engine.decide_batch(rows.view(), decisions);
  const Appender append{*bundle, rows, decisions};
  std::printf("| %zu records, %zu columns | | |\n|---|---|---|\n", n, bundle->schema.size());
  bench_decide(engine, append, folder / "decide");
  bench_append(append, folder / "encrypted", n, true);
  bench_append(append, folder / "plain", n, false);
  bench_every(append, folder / "every", static_cast<std::size_t>(mean_record_bytes(folder / "plain", n)));
  bench_read(folder / "plain", bundle, n);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) return std::fprintf(stderr, "audit_bench BUNDLE FOLDER [RECORDS]\n"), 2;
  run(argv[1], argv[2], argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 400'000);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
