#pragma once
/// Lends out slots 0 … n-1, each to one borrower at a time. Thread-safe. Not installed.

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>

namespace sluice::dnn::cuda {

inline constexpr std::size_t kMaxSlots = 16;

class SlotPool {
 public:
  explicit SlotPool(std::size_t n_slots) : n_free_(n_slots) {
    for (std::size_t i = 0; i < n_slots; ++i) free_[i] = n_slots - 1 - i;
  }

  /// Waits for a free slot.
  std::size_t acquire() {
    std::unique_lock lock(mutex_);
    ++n_waiting_;
    freed_.wait(lock, [&] { return n_free_ > 0; });
    --n_waiting_;
    return free_[--n_free_];
  }

  /// A further slot for a borrower that has one: only if no borrower waits for its first one.
  std::optional<std::size_t> try_acquire() {
    const std::scoped_lock lock(mutex_);
    if (n_free_ == 0 || n_waiting_ > 0) return std::nullopt;
    return free_[--n_free_];
  }

  void release(std::size_t slot) {
    {
      const std::scoped_lock lock(mutex_);
      free_[n_free_++] = slot;
    }
    freed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::array<std::size_t, kMaxSlots> free_{};
  std::size_t n_free_, n_waiting_ = 0;
};

}  // namespace sluice::dnn::cuda
