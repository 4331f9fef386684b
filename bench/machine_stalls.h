#pragma once
/// When the machine, and not the program, was late.

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace sluice::bench {

/// Nanoseconds that this thread was ready to run and did not: the machine's doing, not the engine's.
class StallClock {
 public:
  StallClock() : file_(open("/proc/thread-self/schedstat", O_RDONLY)) {}
  ~StallClock() { close(file_); }
  StallClock(const StallClock&) = delete;
  StallClock& operator=(const StallClock&) = delete;
  std::int64_t waited_ns() const {
    char text[96] = {};
    if (file_ < 0 || pread(file_, text, sizeof text - 1, 0) <= 0) return 0;
    char* end = text;
    std::strtoll(text, &end, 10);
    return std::strtoll(end, nullptr, 10);
  }

 private:
  int file_;
};

/// A time in which a processor did not run a thread that was due: the hypervisor's doing, or another process's.
struct Stall {
  std::chrono::steady_clock::time_point from, until;
};

/// On each processor a thread that sleeps half a millisecond at a time, and notes when it is woken late.
class Canaries {
 public:
  Canaries() : stalls_(std::max(1u, std::thread::hardware_concurrency())) {
    for (std::size_t k = 0; k < stalls_.size(); ++k) threads_.emplace_back([this, k] { watch(k); });
  }
  std::vector<Stall> stop() {
    is_over_ = true;
    for (auto& thread : threads_) thread.join();
    std::vector<Stall> all;
    for (const auto& of : stalls_) all.insert(all.end(), of.begin(), of.end());
    return all;
  }

 private:
  void watch(std::size_t processor) {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(processor, &mine);
    sched_setaffinity(0, sizeof mine, &mine);
    constexpr auto kSleep = std::chrono::microseconds(500);
    while (!is_over_) {
      const auto due = std::chrono::steady_clock::now() + kSleep;
      std::this_thread::sleep_for(kSleep);
      if (const auto now = std::chrono::steady_clock::now(); now - due > kSleep)
        stalls_[processor].push_back({due, now});
    }
  }

  std::vector<std::vector<Stall>> stalls_;
  std::atomic<bool> is_over_ = false;
  std::vector<std::thread> threads_;
};

/// A decision that came after its deadline.
struct Late {
  std::chrono::steady_clock::time_point due, came;
  std::int64_t waited_us = 0;  // of its thread, ready to run, since it began
};

/// Microseconds beyond the deadline that neither the thread's own waiting nor a stall of a processor explains.
inline std::int64_t unexplained_us(const Late& late, const std::vector<Stall>& stalls) {
  const auto us = [](std::chrono::steady_clock::duration d) {
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  };
  std::int64_t stalled = 0;
  for (const Stall& stall : stalls) {
    const auto from = std::max(stall.from, late.due), until = std::min(stall.until, late.came);
    stalled = std::max(stalled, us(until - from));
  }
  return us(late.came - late.due) - std::max(late.waited_us, stalled);
}

}  // namespace sluice::bench
