#pragma once
/// Dedicated threads of a stage (M. Nygard, Release It!, 2007): a call that hangs blocks one of them, not its caller.
/// Not installed.
///
/// A call is a plain object with the inputs and the outputs of the work. It uses a preallocated place, so that nothing
/// is allocated and an abandoned call writes to memory that still exists. No caller takes a lock: a thread that the
/// system suspends delays no other. Calls start the threads. A thread that hangs is replaced, up to `max_hung` of them,
/// and so is one that the work ends (pthread_exit).
/// Thread-safety: any number of threads may call run().

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/cascade/deadline.h"
#include "sluice/cascade/resilience/isolate.h"
#include "sluice/cascade/resilience/semaphore.h"

namespace sluice::cascade {

enum class CallEnd : std::uint8_t {
  done,
  failed,  // the work threw, or ended its thread
  late,    // not done by the deadline or within max_wait_us
  shed,    // no free place in the queue, or all threads hang
};

template <class Call>
class Bulkhead {
 public:
  /// `blank` is the initial call of every place: its buffers have the sizes that `fill` needs.
  Bulkhead(const IsolationOptions& options, std::function<void(Call&)> work, const Call& blank)
      : state_(std::make_shared<State>(options, std::move(work), blank)) {}
  /// Does not wait: a thread that is in a call ends when the call returns.
  ~Bulkhead() {
    state_->is_over = true;
    for (std::int64_t k = state_->n_alive; k > 0; --k) state_->came.send();
  }
  Bulkhead(const Bulkhead&) = delete;
  Bulkhead& operator=(const Bulkhead&) = delete;

  /// Calls fill(Call&), then the work on another thread, then take(const Call&) if the work was done in time.
  template <class Fill, class Take>
  CallEnd run(Deadline deadline, const Fill& fill, const Take& take) const {
    const auto until = std::min(deadline.at(), std::chrono::steady_clock::now() + state_->max_wait);
    Place* place = state_->has_thread(state_) ? state_->enter() : nullptr;
    if (!place) return CallEnd::shed;
    fill(place->call);
    state_->queue(*place);
    while (!place->has_answer() && place->answered.wait_until(until)) {  // woken by an earlier call's answer
    }
    return state_->leave(*place, take);
  }

 private:
  enum class Phase : std::uint8_t { free, entered, queued, running, done, failed, abandoned };
  struct Place {
    bool has_answer() const {
      const Phase now = phase.load(std::memory_order_acquire);
      return now == Phase::done || now == Phase::failed;
    }
    bool turn(Phase from, Phase to) { return phase.compare_exchange_strong(from, to, std::memory_order_acq_rel); }

    Call call;
    std::atomic<Phase> phase = Phase::free;
    std::atomic<std::uint64_t> ticket = 0;  // first come, first served
    Semaphore answered;
  };
  struct State;
  std::shared_ptr<State> state_;
};

/// Shared with the threads, which may outlive the bulkhead.
template <class Call>
struct Bulkhead<Call>::State {
  State(const IsolationOptions& options, std::function<void(Call&)> w, const Call& blank)
      : work(std::move(w)),
        n_threads(static_cast<std::int64_t>(options.n_threads)),
        max_hung(static_cast<std::int64_t>(options.max_hung)),
        max_wait(options.max_wait_us),
        places(options.n_threads + options.max_hung + options.queue_limit) {
    for (Place& place : places) place.call = blank;
  }

  Place* enter() {
    for (Place& place : places)
      if (place.phase.load(std::memory_order_relaxed) == Phase::free && place.turn(Phase::free, Phase::entered))
        return &place;
    return nullptr;
  }

  void queue(Place& place) {
    place.ticket.store(next_ticket.fetch_add(1, std::memory_order_relaxed), std::memory_order_relaxed);
    place.phase.store(Phase::queued, std::memory_order_release);
    came.send();
  }

  template <class Take>
  CallEnd leave(Place& place, const Take& take) {
    if (!place.has_answer() && give_up(place)) return CallEnd::late;
    const bool ok = place.phase.load(std::memory_order_acquire) == Phase::done;
    if (ok) take(std::as_const(place.call));
    place.phase.store(Phase::free, std::memory_order_release);
    return ok ? CallEnd::done : CallEnd::failed;
  }

  /// False if the answer has arrived in the meantime.
  bool give_up(Place& place) {
    if (place.turn(Phase::queued, Phase::free)) return true;
    n_hung.fetch_add(1);  // before its thread can see `abandoned` and subtract it again
    if (place.turn(Phase::running, Phase::abandoned)) return true;
    n_hung.fetch_sub(1);
    return false;
  }

  /// Starts missing threads, unless another caller is starting them. False if none works and none can be started.
  bool has_thread(const std::shared_ptr<State>& self) {
    while (n_alive - n_hung < n_threads && n_hung <= max_hung && !is_starting.test_and_set()) {
      bool is_started = false;
      if (n_alive - n_hung < n_threads) {
        n_alive.fetch_add(1);
        is_started = start(self);
        if (!is_started) n_alive.fetch_sub(1);
      }
      is_starting.clear();
      if (!is_started) break;
    }
    return n_alive > n_hung;
  }

  static bool start(const std::shared_ptr<State>& self) {
    try {
      std::thread([self] { self->live(); }).detach();
      return true;
    } catch (...) {
      return false;
    }
  }

  void live() {
    Thread thread(*this);
    while (!is_over &&
           n_alive - n_hung <= n_threads) {  // else: the bulkhead is gone, or this thread hung and was replaced
      came.wait();
      thread.place = oldest();
      if (!thread.place) continue;
      const bool ok = try_work(thread.place->call);
      end(*std::exchange(thread.place, nullptr), ok);
    }
  }

  /// The call that has waited longest, now marked as running; null if no call waits.
  Place* oldest() {
    for (;;) {
      Place* first = nullptr;
      std::uint64_t ticket = std::numeric_limits<std::uint64_t>::max();
      for (Place& place : places) {
        if (place.phase.load(std::memory_order_acquire) != Phase::queued || place.ticket >= ticket) continue;
        ticket = place.ticket;
        first = &place;
      }
      if (!first || first->turn(Phase::queued, Phase::running)) return first;
    }
  }

  bool try_work(Call& call) {
    try {
      work(call);
      return true;
    } catch (...) {
      if (!std::current_exception()) throw;  // not a C++ exception: the thread is being ended, and ~Thread reports it
      return false;
    }
  }

  void end(Place& place, bool ok) {
    if (place.turn(Phase::running, ok ? Phase::done : Phase::failed)) return place.answered.send();
    n_hung.fetch_sub(1);
    place.phase.store(Phase::free, std::memory_order_release);
  }

  /// Lives as long as its thread, whatever ends it. If the work ended the thread, its call has failed.
  struct Thread {
    explicit Thread(State& s) : state(s) {}
    ~Thread() {
      state.n_alive.fetch_sub(1);
      if (place) state.end(*place, false);
    }
    State& state;
    Place* place = nullptr;
  };

  const std::function<void(Call&)> work;
  const std::int64_t n_threads, max_hung;
  const std::chrono::microseconds max_wait;
  std::vector<Place> places;
  Semaphore came;  // one signal per queued call
  std::atomic<std::uint64_t> next_ticket = 0;
  std::atomic<std::int64_t> n_alive = 0, n_hung = 0;
  std::atomic_flag is_starting;
  std::atomic<bool> is_over = false;
};

}  // namespace sluice::cascade
