#pragma once
/// The time by which a decision must be made.
///
/// Thread-safety: immutable after construction.

#include <algorithm>
#include <chrono>
#include <limits>

namespace sluice::cascade {

class Deadline {
 public:
  static Deadline none() { return {}; }
  /// A budget beyond the clock's range gives no deadline; one of less than a year ago, a deadline a year ago.
  static Deadline in(std::chrono::microseconds budget) {
    using std::chrono::microseconds;
    const Clock::time_point now = Clock::now();
    Deadline deadline;
    if (budget < std::chrono::duration_cast<microseconds>(Clock::time_point::max() - now))
      deadline.at_ = now + std::max<microseconds>(budget, -std::chrono::hours(24 * 365));
    return deadline;
  }

  bool is_none() const { return at_ == Clock::time_point::max(); }
  /// Microseconds left, negative after the deadline; infinity for none, without reading the clock.
  double remaining_us() const {
    if (is_none()) return std::numeric_limits<double>::infinity();
    return std::chrono::duration<double, std::micro>(at_ - Clock::now()).count();
  }
  std::chrono::steady_clock::time_point at() const { return at_; }  // the maximum for none
  bool has_passed() const { return remaining_us() <= 0; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace sluice::cascade
