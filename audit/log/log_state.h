#pragma once
/// The state that a log's callers and its thread share. log.cpp is the callers' side, log_thread.cpp the thread's. Not
/// installed.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/audit/log.h"
#include "sluice/audit/log/fork_guard.h"
#include "sluice/audit/log/log_writer.h"
#include "sluice/audit/log/ring.h"
#include "sluice/audit/log/scrubber.h"

namespace sluice::audit {

inline constexpr std::size_t kUsualBytes = 1024;  // of a record: the initial capacity of a slot
inline constexpr auto kIdle = std::chrono::microseconds(500);

struct Record {
  std::uint64_t subject = 0;
  std::int64_t time_us = 0;
  std::string bytes;  // empty if encoding failed

  /// False if there can be no such record; `why` is then set.
  bool fill(const cascade::Bundle& bundle, const cascade::Decision& decision, const DecisionContext& context,
            std::string& why) noexcept {
    subject = context.subject;
    time_us = context.time_out_us;
    bytes.clear();
    try {
      encode(bytes, bundle, decision, context);
      if (bytes.size() + sizeof(EntryHeader) + kSealBytes + kHashBytes <= kMaxEntryBytes) return true;
      why = "a record of " + std::to_string(bytes.size()) + " bytes; the limit is 16 MiB";
    } catch (const Error& error) {
      why = error.message();
    } catch (...) {  // memory is exhausted: the reason may be lost, too
    }
    bytes.clear();
    return false;
  }
};

/// Number of records of each queue that have been processed, in the order of their positions.
struct Progress {
  std::uint64_t ring = 0, spill = 0;
};

struct Log::State {
  State(const std::filesystem::path& path, const LogOptions& chosen)
      : folder(path), options(chosen), ring(chosen.ring_records), writer(path, chosen) {
    ring.for_each_slot([](Record& record) { record.bytes.reserve(kUsualBytes); });
  }

  std::optional<Appended> queue(const cascade::Bundle& bundle, const cascade::Decision& decision,
                                const DecisionContext& context);
  Appended spill_or_refuse(const cascade::Bundle& bundle, const cascade::Decision& decision,
                           const DecisionContext& context);
  Appended refuse(std::string why) noexcept;
  bool spill_one(Record&& record, std::uint64_t& place);
  Appended wait_for(Progress wanted);
  void run();
  bool step(bool closing);
  bool take_ring();
  bool take_spill();
  bool sync_is_due(bool closing);
  void settle(bool synced);
  void fail(const std::exception& error);
  void run_requests();
  void ask(std::function<void()> what);
  bool is_done() const { return ring.taken() == ring.claimed() && spill_is_empty(); }
  bool spill_is_empty() const {
    const std::lock_guard lock(spill_mutex);
    return spill.empty();
  }

  /// Throws Error{log.forked} in a forked child.
  void require_own_process() const;

  const ForkGuard fork;
  const std::filesystem::path folder;
  const LogOptions options;
  Ring<Record> ring;
  LogWriter writer;  // used only by the thread while it runs

  std::mutex retaining, ending;  // one caller at a time

  mutable std::mutex spill_mutex;
  std::deque<Record> spill;
  std::uint64_t n_spilled = 0;  // since the log was opened

  mutable std::mutex mutex;  // guards the members down to wants_sync
  std::condition_variable wake, moved;
  Progress safe;  // on disk; only written if durability is `none`
  std::vector<std::packaged_task<void()>> requests;
  std::string trouble, refusal;
  bool wants_sync = false;

  std::atomic<std::uint64_t> appended{0}, refused{0}, n_entries{0}, n_write_errors{0};
  std::atomic<bool> degraded{false}, closing{false};
  Progress taken;  // of the thread: sealed
  std::chrono::steady_clock::time_point last_sync = std::chrono::steady_clock::now();
  std::uint64_t n_lost_at_close = 0;
  Scrubber scrubber{folder, options.scrub_bytes_per_s};
  std::thread thread;
};

}  // namespace sluice::audit
