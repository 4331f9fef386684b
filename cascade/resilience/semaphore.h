#pragma once
/// A counting semaphore that can be awaited with a deadline (POSIX sem_t). Signalling never blocks. Not installed.

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include <chrono>

namespace sluice::cascade {

class Semaphore {
 public:
  Semaphore() { sem_init(&semaphore_, 0, 0); }
  ~Semaphore() { sem_destroy(&semaphore_); }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  void send() { sem_post(&semaphore_); }
  void wait() {
    while (sem_wait(&semaphore_) != 0 && errno == EINTR) {
    }
  }
  /// False if `until` passed first.
  bool wait_until(std::chrono::steady_clock::time_point until) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until.time_since_epoch()).count();
    const timespec at{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    for (;;) {
      if (sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &at) == 0) return true;  // libstdc++'s steady clock
      if (errno != EINTR) return false;
    }
  }

 private:
  sem_t semaphore_;
};

}  // namespace sluice::cascade
