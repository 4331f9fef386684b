#include "sluice/audit/log.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/audit/log_writer.h"
#include "sluice/audit/ring.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t kUsualBytes = 1024;           // of a record: a slot's memory to begin with
constexpr std::size_t kGroupRecords = 1024;         // written at once at most
constexpr std::size_t kMaxPendingBytes = 32 << 20;  // that a sync may be behind
constexpr auto kIdle = std::chrono::microseconds(500);
constexpr auto kRetry = Milliseconds(20);

struct Record {
  std::uint64_t subject = 0;
  std::int64_t time_us = 0;
  std::string bytes;  // empty: its caller failed to encode it

  bool fill(const cascade::Bundle& bundle, const cascade::Decision& decision, const DecisionContext& context) noexcept {
    subject = context.subject;
    time_us = context.time_out_us;
    bytes.clear();
    try {
      encode(bytes, bundle, decision, context);
      if (bytes.size() + sizeof(EntryHeader) + kSealBytes + kHashBytes <= kMaxEntryBytes) return true;
    } catch (...) {  // a text that is too long, or no memory
    }
    bytes.clear();
    return false;
  }
};

/// Records in the order of their places: how many are safe, for those who wait.
struct Progress {
  std::uint64_t ring = 0, spill = 0;
};

}  // namespace

struct Log::State {
  State(const std::filesystem::path& folder, const LogOptions& chosen)
      : options(chosen), ring(chosen.ring_records), writer(folder, chosen) {
    ring.for_each_slot([](Record& record) { record.bytes.reserve(kUsualBytes); });
  }

  std::optional<Appended> queue(const cascade::Bundle& bundle, const cascade::Decision& decision,
                                const DecisionContext& context);
  Appended spill_or_refuse(const cascade::Bundle& bundle, const cascade::Decision& decision,
                           const DecisionContext& context);
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
  bool is_done() const { return ring.taken() == ring.claimed() && spill_is_empty(); }
  bool spill_is_empty() const {
    const std::lock_guard lock(spill_mutex);
    return spill.empty();
  }

  const LogOptions options;
  Ring<Record> ring;
  LogWriter writer;  // the thread's alone, once it runs

  mutable std::mutex spill_mutex;
  std::deque<Record> spill;
  std::uint64_t n_spilled = 0;  // ever

  mutable std::mutex mutex;  // of what follows
  std::condition_variable wake, moved;
  Progress safe;
  std::vector<std::packaged_task<void()>> requests;
  std::string trouble;
  bool wants_sync = false;

  std::atomic<std::uint64_t> appended{0}, refused{0}, n_entries{0}, n_write_errors{0};
  std::atomic<bool> degraded{false}, closing{false};
  Progress taken;  // the thread's: what is sealed
  Clock::time_point last_sync = Clock::now();
  std::uint64_t n_lost_at_close = 0;
  std::thread thread;
};

Log::Log(const std::filesystem::path& folder, LogOptions options)
    : state_(std::make_unique<State>(folder, std::move(options))) {
  state_->n_entries = state_->writer.n_entries();
  state_->thread = std::thread([this] { state_->run(); });
}

Log::~Log() { close(); }

Appended Log::append(const cascade::Bundle& bundle, const cascade::Decision& decision,
                     const DecisionContext& context) noexcept {
  State& state = *state_;
  if (state.closing.load(std::memory_order_relaxed)) return ++state.refused, Appended::refused;
  if (const auto queued = state.queue(bundle, decision, context)) return *queued;
  return state.spill_or_refuse(bundle, decision, context);
}

/// Into the ring; nullopt where it is full.
std::optional<Appended> Log::State::queue(const cascade::Bundle& bundle, const cascade::Decision& decision,
                                          const DecisionContext& context) {
  std::uint64_t position = 0;
  Record* slot = ring.claim(position);
  if (!slot) return std::nullopt;
  const bool encoded = slot->fill(bundle, decision, context);
  ring.publish(position);
  if (!encoded) return ++refused, Appended::refused;
  appended.fetch_add(1, std::memory_order_relaxed);
  return options.durability == Durability::every ? wait_for({.ring = position + 1}) : Appended::recorded;
}

/// The ring is full: the record is kept beside it, or, with no room there either, waits for either.
Appended Log::State::spill_or_refuse(const cascade::Bundle& bundle, const cascade::Decision& decision,
                                     const DecisionContext& context) {
  Record record;
  if (!record.fill(bundle, decision, context)) return ++refused, Appended::refused;
  const auto deadline = Clock::now() + Milliseconds(options.max_wait_ms);
  std::uint64_t place = 0;
  while (!spill_one(std::move(record), place)) {
    if (degraded || Clock::now() >= deadline) return ++refused, Appended::refused;
    std::this_thread::sleep_for(kIdle / 5);
    if (const auto queued = queue(bundle, decision, context)) return *queued;
  }
  ++appended;
  return options.durability == Durability::every ? wait_for({.spill = place + 1}) : Appended::spilled;
}

/// `place` is the record's among all that were ever spilled. The record is left as it is where there is no room.
bool Log::State::spill_one(Record&& record, std::uint64_t& place) {
  const std::lock_guard lock(spill_mutex);
  if (spill.size() >= options.spill_records) return false;
  place = n_spilled++;
  spill.push_back(std::move(record));
  return true;
}

Appended Log::State::wait_for(Progress wanted) {
  std::unique_lock lock(mutex);
  wake.notify_one();
  const bool in_time = moved.wait_for(lock, Milliseconds(options.max_wait_ms),
                                      [&] { return safe.ring >= wanted.ring && safe.spill >= wanted.spill; });
  return in_time ? Appended::recorded : Appended::spilled;
}

bool Log::flush(std::int64_t timeout_ms) {
  State& state = *state_;
  Progress wanted{.ring = state.ring.claimed()};
  {
    const std::lock_guard lock(state.spill_mutex);
    wanted.spill = state.n_spilled;
  }
  std::unique_lock lock(state.mutex);
  state.wants_sync = true;
  state.wake.notify_one();
  return state.moved.wait_for(lock, Milliseconds(timeout_ms), [&] {
    return state.safe.ring >= wanted.ring && state.safe.spill >= wanted.spill && !state.wants_sync;
  });
}

bool Log::erase(std::uint64_t subject, std::int64_t time_us) {
  State& state = *state_;
  bool erased = false;
  std::packaged_task<void()> task([&] { erased = state.writer.erase(subject, time_us); });
  auto done = task.get_future();
  {
    const std::lock_guard lock(state.mutex);
    if (state.closing) throw Error("log.closed", "the log has been closed");
    state.requests.push_back(std::move(task));
    state.wake.notify_one();
  }
  done.get();
  return erased;
}

LogStatus Log::status() const {
  const State& state = *state_;
  LogStatus status{.appended = state.appended,
                   .refused = state.refused,
                   .n_entries = state.n_entries,
                   .n_write_errors = state.n_write_errors,
                   .degraded = state.degraded};
  {
    const std::lock_guard lock(state.spill_mutex);
    status.spilled = state.n_spilled;
  }
  const std::lock_guard lock(state.mutex);
  status.trouble = state.trouble;
  return status;
}

const OpenReport& Log::opened() const { return state_->writer.opened(); }

std::uint64_t Log::close() {
  State& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    state.closing = true;
    state.wake.notify_one();
  }
  if (state.thread.joinable()) {
    state.thread.join();
    state.writer.close();
  }
  return state.n_lost_at_close;
}

void Log::State::run() {
  std::optional<Clock::time_point> give_up;
  while (true) {
    const bool is_closing = closing;
    if (is_closing && !give_up) give_up = Clock::now() + Milliseconds(options.max_wait_ms);
    bool moved_on = false;
    try {
      moved_on = step(is_closing);
      if (is_closing && !moved_on && is_done()) return;
    } catch (const std::exception& error) {
      fail(error);
      if (give_up && Clock::now() >= *give_up) break;
    }
    if (moved_on) continue;
    std::unique_lock lock(mutex);
    if (degraded)
      wake.wait_for(lock, kRetry);
    else if (!wants_sync && requests.empty() && !closing)
      wake.wait_for(lock, kIdle);
  }
  n_lost_at_close = (ring.claimed() - safe.ring) + (n_spilled - safe.spill);
}

/// One group: sealed, written and, where that is due, made durable. False where there was nothing to do.
bool Log::State::step(bool is_closing) {
  if (degraded) writer.sync();  // before anything more is taken into memory
  const bool has_more = take_ring() | take_spill();
  writer.write();
  const bool due = sync_is_due(is_closing);
  if (due) {
    last_sync = Clock::now();
    if (is_closing && !has_more)
      writer.finish();
    else
      writer.sync();
  }
  settle(due);
  run_requests();
  return has_more;
}

bool Log::State::take_ring() {
  std::size_t n = 0;
  for (; n < kGroupRecords; ++n) {
    const Record* record = ring.front();
    if (!record) break;
    if (!record->bytes.empty()) writer.add(EntryKind::decision, record->time_us, record->subject, record->bytes);
    ring.release();
    ++taken.ring;
  }
  return n > 0;
}

bool Log::State::take_spill() {
  std::deque<Record> records;
  {
    const std::lock_guard lock(spill_mutex);
    for (std::size_t n = 0; n < kGroupRecords && !spill.empty(); ++n) {
      records.push_back(std::move(spill.front()));
      spill.pop_front();
    }
  }
  const bool any = !records.empty();
  try {
    for (; !records.empty(); records.pop_front(), ++taken.spill)
      writer.add(EntryKind::decision, records.front().time_us, records.front().subject, records.front().bytes);
  } catch (...) {
    const std::lock_guard lock(spill_mutex);
    spill.insert(spill.begin(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
    throw;
  }
  return any;
}

bool Log::State::sync_is_due(bool is_closing) {
  const std::lock_guard lock(mutex);
  if (wants_sync || is_closing) return true;
  if (!writer.has_unsynced()) return writer.checkpoint_is_due();
  if (options.durability == Durability::every || writer.n_pending_bytes() > kMaxPendingBytes) return true;
  if (writer.checkpoint_is_due()) return true;
  return options.durability == Durability::interval && Clock::now() - last_sync >= Milliseconds(options.interval_ms);
}

/// Everything has gone well: those who wait for it are told.
void Log::State::settle(bool synced) {
  n_entries = writer.n_entries();
  const std::lock_guard lock(mutex);
  degraded = false;
  trouble.clear();
  if (!synced && options.durability != Durability::none) return;
  safe = taken;
  if (synced) wants_sync = false;
  moved.notify_all();
}

void Log::State::fail(const std::exception& error) {
  ++n_write_errors;
  const auto* ours = dynamic_cast<const Error*>(&error);
  const std::lock_guard lock(mutex);
  degraded = true;
  trouble = ours ? ours->code() + ": " + ours->message() : std::string("log.write: ") + error.what();
}

void Log::State::run_requests() {
  std::vector<std::packaged_task<void()>> now;
  {
    const std::lock_guard lock(mutex);
    now.swap(requests);
  }
  for (auto& request : now) request();
}

}  // namespace sluice::audit
