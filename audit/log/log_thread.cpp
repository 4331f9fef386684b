#include "sluice/audit/log/log_state.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t kGroupRecords = 1024;         // maximum from each queue per group
constexpr std::size_t kMaxPendingBytes = 32 << 20;  // more unsynced bytes than this cause a sync
constexpr auto kRetry = Milliseconds(20);

}  // namespace

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

/// Seals and writes one group, and syncs it if that is due. False if there were no records.
bool Log::State::step(bool is_closing) {
  if (degraded) writer.sync();  // before more records are taken into memory
  const bool ring_has_more = take_ring(), spill_has_more = take_spill();
  const bool has_more = ring_has_more || spill_has_more;
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

/// The group was written: updates the status and wakes the waiting callers.
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
