#pragma once
/// A bounded lock-free queue from many threads to one. Slots are filled and read in place, so that their allocated
/// memory is reused. After D. Vyukov's bounded MPMC queue. Not installed.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::audit {

template <class T>
class Ring {
 public:
  /// The number of slots is `capacity`, rounded up to a power of two.
  explicit Ring(std::size_t capacity) : mask_(std::bit_ceil(capacity) - 1), slots_(new Slot[mask_ + 1]) {
    for (std::size_t i = 0; i <= mask_; ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
  }

  /// Reserves a free slot for the calling thread until it publishes the slot's position; null if all are in use.
  T* claim(std::uint64_t& position) {
    position = tail_.load(std::memory_order_relaxed);
    while (true) {
      Slot& slot = slots_[position & mask_];
      const auto lead = static_cast<std::int64_t>(slot.turn.load(std::memory_order_acquire) - position);
      if (lead < 0) return nullptr;  // the reader has not released the slot yet
      if (lead > 0)
        position = tail_.load(std::memory_order_relaxed);
      else if (tail_.compare_exchange_weak(position, position + 1))  // in one order with the log's `closing`
        return &slot.value;
    }
  }
  void publish(std::uint64_t position) { slots_[position & mask_].turn.store(position + 1, std::memory_order_release); }

  /// Only for the reader: the next published slot, null if there is none. Call `release` after using its content.
  T* front() {
    Slot& slot = slots_[head_ & mask_];
    return slot.turn.load(std::memory_order_acquire) == head_ + 1 ? &slot.value : nullptr;
  }
  void release() {
    slots_[head_ & mask_].turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
  }
  std::uint64_t taken() const { return head_; }  // only for the reader

  std::uint64_t claimed() const { return tail_.load(); }
  template <class Each>
  void for_each_slot(const Each& each) {  // before the first claim
    for (std::size_t i = 0; i <= mask_; ++i) each(slots_[i].value);
  }

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> turn;
    T value;
  };

  const std::size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::uint64_t head_ = 0;
};

}  // namespace sluice::audit
