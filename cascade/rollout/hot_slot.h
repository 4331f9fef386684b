#pragma once
/// A pointer that is read often and changed rarely: readers never wait, and the object that a reader holds lives until
/// the reader releases it.
///
/// Sleepable read-copy-update (P. McKenney, "Sleepable RCU", 2006): a reader counts itself in one of two rows of
/// counters; a writer changes the pointer, then twice directs new readers to the other row and waits until the row
/// before is empty. Twice, because a reader may have looked up its row before a turn and count itself there after it.
/// Thread-safety: all calls are thread-safe. hold() is wait-free; exchange() and share() take a lock.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace sluice::cascade {

template <class T>
class HotSlot {
  struct alignas(64) Counter {
    std::atomic<std::int64_t> n = 0;
  };

 public:
  explicit HotSlot(std::shared_ptr<T> first) : current_(first.get()), owner_(std::move(first)) {}
  HotSlot(const HotSlot&) = delete;
  HotSlot& operator=(const HotSlot&) = delete;

  /// Holds the object that was current when the hold was made. Keep it short: a change waits for it.
  class Hold {
   public:
    ~Hold() { count_->fetch_sub(1); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    T& operator*() const { return *held_; }
    T* operator->() const { return held_; }

   private:
    friend class HotSlot;
    Hold(std::atomic<std::int64_t>* count, const std::atomic<T*>& current) : count_(count) {
      count_->fetch_add(1);
      held_ = current.load();
    }
    std::atomic<std::int64_t>* count_;
    T* held_;
  };

  /// Wait-free.
  Hold hold() { return Hold(&rows_[row_.load()][shard()].n, current_); }

  /// Readers see `next` from now on. Returns the former object when no reader holds it any more; a thread with a Hold
  /// must not call it. Calls wait for each other.
  std::shared_ptr<T> exchange(std::shared_ptr<T> next) {
    const std::lock_guard lock(writing_);
    current_.store(next.get());
    std::swap(owner_, next);
    for (int turn = 0; turn < 2; ++turn) {
      const std::size_t left = row_.load();
      row_.store(1 - left);
      wait_until_empty(left);
    }
    return next;
  }

  /// The current object. Takes the lock that `exchange` holds while it waits for readers: not for the hot path.
  std::shared_ptr<T> share() const {
    const std::lock_guard lock(writing_);
    return owner_;
  }

 private:
  static constexpr std::size_t kShards = 16;

  static std::size_t shard() { return std::hash<std::thread::id>{}(std::this_thread::get_id()) % kShards; }

  void wait_until_empty(std::size_t row) const {
    const auto readers = [&] {
      std::int64_t n = 0;
      for (const Counter& counter : rows_[row]) n += counter.n.load();
      return n;
    };
    while (readers() != 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }

  std::array<std::array<Counter, kShards>, 2> rows_;
  std::atomic<std::size_t> row_ = 0;
  std::atomic<T*> current_;
  mutable std::mutex writing_;
  std::shared_ptr<T> owner_;
};

}  // namespace sluice::cascade
