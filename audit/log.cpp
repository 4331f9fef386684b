#include "sluice/audit/log.h"

#include "sluice/audit/log/log_state.h"
#include "sluice/base/error.h"
#include "sluice/base/thread_pool.h"

namespace sluice::audit {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr const char* kNoSubject = "the log encrypts each record with its subject's key, and this one has no subject";

}  // namespace

Log::Log(const std::filesystem::path& folder, LogOptions options)
    : state_(std::make_unique<State>(folder, std::move(options))) {
  state_->n_entries = state_->writer.n_entries();
  state_->thread = start_thread("the decision log", [this] { state_->run(); });
}

Log::~Log() {
  close();
  if (state_->fork.is_child())
    static_cast<void>(state_.release());  // its condition variables have waiters, in the parent
}

Appended Log::append(const cascade::Bundle& bundle, const cascade::Decision& decision,
                     const DecisionContext& context) noexcept {
  State& state = *state_;
  if (state.closing.load(std::memory_order_relaxed) || state.fork.is_child()) return state.refuse({});
  if (context.subject == 0 && state.writer.is_encrypted()) return state.refuse(kNoSubject);
  if (const auto queued = state.queue(bundle, decision, context)) return *queued;
  return state.spill_or_refuse(bundle, decision, context);
}

/// `why`: empty if the record's content is not the reason.
Appended Log::State::refuse(std::string why) noexcept {
  ++refused;
  if (!why.empty()) {
    const std::lock_guard lock(mutex);
    refusal = std::move(why);
  }
  return Appended::refused;
}

/// Puts the record into the ring; nullopt if the ring is full.
std::optional<Appended> Log::State::queue(const cascade::Bundle& bundle, const cascade::Decision& decision,
                                          const DecisionContext& context) {
  std::uint64_t position = 0;
  Record* slot = ring.claim(position);
  if (!slot) return std::nullopt;
  // The thread ends when it has taken all slots that were claimed before `closing` was set; it may not take this one.
  const bool is_late = closing;
  if (is_late) slot->bytes.clear();
  std::string why;
  const bool encoded = !is_late && slot->fill(bundle, decision, context, why);
  ring.publish(position);
  if (!encoded) return refuse(std::move(why));
  appended.fetch_add(1, std::memory_order_relaxed);
  return options.durability == Durability::every ? wait_for({.ring = position + 1}) : Appended::recorded;
}

/// The ring is full: puts the record into the spill queue. If that is full too, waits for room in either.
Appended Log::State::spill_or_refuse(const cascade::Bundle& bundle, const cascade::Decision& decision,
                                     const DecisionContext& context) {
  Record record;
  std::string why;
  if (!record.fill(bundle, decision, context, why)) return refuse(std::move(why));
  const auto deadline = Clock::now() + Milliseconds(options.max_wait_ms);
  std::uint64_t place = 0;
  while (!spill_one(std::move(record), place)) {
    if (closing || degraded || Clock::now() >= deadline) return refuse({});
    std::this_thread::sleep_for(kIdle / 5);
    if (const auto queued = queue(bundle, decision, context)) return *queued;
  }
  ++appended;
  return options.durability == Durability::every ? wait_for({.spill = place + 1}) : Appended::spilled;
}

/// `place` is the record's number among all spilled records. Returns false and leaves the record unchanged if the queue
/// is full.
bool Log::State::spill_one(Record&& record, std::uint64_t& place) {
  const std::lock_guard lock(spill_mutex);
  if (closing || spill.size() >= options.spill_records) return false;
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
  if (state.fork.is_child()) return false;
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

std::uint64_t Log::subject_reference(std::string_view name) const {
  return name.empty() ? 0 : state_->writer.references().subject(name);
}

bool Log::erase(std::uint64_t subject, std::int64_t time_us) {
  bool erased = false;
  state_->ask([&] { erased = state_->writer.erase(subject, time_us); });
  return erased;
}

void Log::rotate_key(std::shared_ptr<const Signer> next) {
  state_->ask([&] { state_->writer.rotate_key(std::move(next)); });
}

void Log::append_reviews(std::span<const Review> reviews, std::int64_t time_us) {
  state_->ask([&] { state_->writer.add_reviews(reviews, time_us); });
}

Retention Log::retain(std::int64_t before_us, const std::string& who, std::int64_t time_us) {
  State& state = *state_;
  state.require_own_process();
  const std::lock_guard one_at_a_time(state.retaining);
  const RetentionPlan plan = plan_retention(state.folder, before_us, who);
  if (!plan.segments.empty()) state.ask([&] { state.writer.retain(plan, time_us); });
  return plan.retention;
}

/// Runs `what` on the log's thread and waits for it. Rethrows what it throws.
void Log::State::ask(std::function<void()> what) {
  require_own_process();
  std::packaged_task<void()> task(std::move(what));
  auto done = task.get_future();
  {
    const std::lock_guard lock(mutex);
    if (closing) throw Error("log.closed", "the log is closed");
    requests.push_back(std::move(task));
    wake.notify_one();
  }
  done.get();
}

void Log::State::require_own_process() const {
  if (fork.is_child())
    throw Error("log.forked", folder.string() + ": the log belongs to the process that forked this one",
                "open the log after the fork");
}

LogStatus Log::status() const {
  const State& state = *state_;
  LogStatus status{.appended = state.appended,
                   .refused = state.refused,
                   .n_entries = state.n_entries,
                   .n_write_errors = state.n_write_errors,
                   .degraded = state.degraded};
  if (state.fork.is_child()) {
    status.degraded = true;
    status.trouble = "log.forked: the log belongs to the process that forked this one";
    return status;
  }
  {
    const std::lock_guard lock(state.spill_mutex);
    status.spilled = state.n_spilled;
  }
  const std::lock_guard lock(state.mutex);
  status.trouble = state.trouble;
  status.refusal = state.refusal;
  status.n_scrubbed = state.scrubber.n_segments();
  status.damage = state.scrubber.damage();
  return status;
}

bool Log::is_encrypted() const { return state_->writer.is_encrypted(); }

const OpenReport& Log::opened() const { return state_->writer.opened(); }

std::uint64_t Log::close() {
  State& state = *state_;
  if (state.fork.is_child()) {
    if (state.thread.joinable()) state.thread.detach();
    state.writer.close();
    return 0;
  }
  const std::lock_guard one_at_a_time(state.ending);
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

}  // namespace sluice::audit
