#pragma once
/// Threads of a stage's own (M. Nygard, Release It!, 2007): a call that hangs keeps one of them and not its caller.
/// Not installed.
///
/// A call is a plain object that holds what goes in and what comes out; it is copied into a place that is there from
/// the start, so that nothing is allocated and an abandoned call writes to memory that still is. Any number of threads
/// may call. Threads are started by the first call. One that hangs is replaced, up to `max_hung` of them; one that the
/// work ends (pthread_exit) is replaced as well.

#include <cxxabi.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/cascade/deadline.h"
#include "sluice/cascade/isolate.h"

namespace sluice::cascade {

enum class CallEnd : std::uint8_t {
  done,
  failed,  // the work threw, or its thread ended
  late,    // not there by the deadline, or within max_wait_us
  shed,    // no place in the queue, or every thread hangs
};

template <class Call>
class Bulkhead {
 public:
  /// `blank` is the call as it stands in every place at first: its buffers have the sizes that `fill` needs.
  Bulkhead(const IsolationOptions& options, std::function<void(Call&)> work, const Call& blank)
      : state_(std::make_shared<State>(options, std::move(work), blank)) {}
  /// Threads that hang are left to themselves; the others end.
  ~Bulkhead() {
    const std::lock_guard lock(state_->mutex);
    state_->is_over = true;
    state_->came.notify_all();
  }
  Bulkhead(const Bulkhead&) = delete;
  Bulkhead& operator=(const Bulkhead&) = delete;

  /// fill(Call&), then the work on another thread, then take(const Call&) where it is done in time.
  template <class Fill, class Take>
  CallEnd run(Deadline deadline, const Fill& fill, const Take& take) const {
    std::unique_lock lock(state_->mutex);
    Place* place = state_->find_free();
    if (!place || !state_->has_thread(state_)) return CallEnd::shed;
    fill(place->call);
    place->phase = Phase::queued;
    state_->queue.push_back(place);  // has room for every place
    state_->came.notify_one();
    const auto until = std::min(deadline.at(), std::chrono::steady_clock::now() + state_->max_wait);
    place->answered.wait_until(lock, until,
                               [&] { return place->phase == Phase::done || place->phase == Phase::failed; });
    return state_->leave(*place, take);
  }

  std::size_t n_hung() const {
    const std::lock_guard lock(state_->mutex);
    return state_->n_hung;
  }

 private:
  enum class Phase : std::uint8_t { free, queued, running, done, failed, abandoned };
  struct Place {
    Call call;
    Phase phase = Phase::free;
    std::condition_variable answered;
  };
  struct State;
  std::shared_ptr<State> state_;
};

/// Shared with the threads, which may outlive the bulkhead. All of it is under the mutex.
template <class Call>
struct Bulkhead<Call>::State {
  State(const IsolationOptions& options, std::function<void(Call&)> w, const Call& blank)
      : work(std::move(w)),
        n_threads(options.n_threads),
        max_hung(options.max_hung),
        max_wait(options.max_wait_us),
        places(options.n_threads + options.max_hung + options.queue_limit) {
    for (Place& place : places) place.call = blank;
    queue.reserve(places.size());
  }

  Place* find_free() {
    for (Place& place : places)
      if (place.phase == Phase::free) return &place;
    return nullptr;
  }

  /// Starts those that are missing. False where none works and none can be started.
  bool has_thread(const std::shared_ptr<State>& self) {
    while (n_alive - n_hung < n_threads && n_hung <= max_hung) {
      try {
        std::thread([self] { self->live(); }).detach();
      } catch (...) {
        break;
      }
      ++n_alive;
    }
    return n_alive > n_hung;
  }

  void live() {
    Thread thread(*this);
    std::unique_lock lock(mutex);
    while (Place* place = next(lock)) {
      place->phase = Phase::running;
      thread.place = place;
      lock.unlock();
      const bool ok = try_work(place->call);
      lock.lock();
      thread.place = nullptr;
      end(*place, ok);
    }
    --n_alive;
  }

  Place* next(std::unique_lock<std::mutex>& lock) {
    came.wait(lock, [this] { return is_over || !queue.empty() || n_alive - n_hung > n_threads; });
    if (is_over || queue.empty()) return nullptr;  // over, or replaced while it hung
    Place* place = queue.front();
    queue.erase(queue.begin());
    return place;
  }

  bool try_work(Call& call) {
    try {
      work(call);
      return true;
    } catch (abi::__forced_unwind&) {
      throw;  // the thread ends: Thread says so
    } catch (...) {
      return false;
    }
  }

  void end(Place& place, bool ok) {
    if (place.phase == Phase::abandoned) {
      place.phase = Phase::free;
      --n_hung;
      return;
    }
    place.phase = ok ? Phase::done : Phase::failed;
    place.answered.notify_one();
  }

  template <class Take>
  CallEnd leave(Place& place, const Take& take) {
    const Phase phase = place.phase;
    if (phase == Phase::running) {
      place.phase = Phase::abandoned;
      ++n_hung;
      return CallEnd::late;
    }
    if (phase == Phase::queued) std::erase(queue, &place);
    if (phase == Phase::done) take(std::as_const(place.call));
    place.phase = Phase::free;
    return phase == Phase::done ? CallEnd::done : phase == Phase::failed ? CallEnd::failed : CallEnd::late;
  }

  /// A thread that its work ends has failed its call and is no more.
  struct Thread {
    explicit Thread(State& s) : state(s) {}
    ~Thread() {
      if (!place) return;
      const std::lock_guard lock(state.mutex);
      state.end(*place, false);
      --state.n_alive;
    }
    State& state;
    Place* place = nullptr;
  };

  const std::function<void(Call&)> work;
  const std::size_t n_threads, max_hung;
  const std::chrono::microseconds max_wait;
  mutable std::mutex mutex;
  std::condition_variable came;
  std::vector<Place> places;
  std::vector<Place*> queue;
  std::size_t n_alive = 0, n_hung = 0;
  bool is_over = false;
};

}  // namespace sluice::cascade
