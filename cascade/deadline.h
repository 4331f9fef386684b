#pragma once
/// The time by which a decision must be made.
///
/// Thread-safety: immutable after construction.

#include <chrono>
#include <limits>

namespace sluice::cascade {

class Deadline {
 public:
  static Deadline none() { return {}; }
  static Deadline in(std::chrono::microseconds budget) {
    Deadline deadline;
    deadline.at_ = Clock::now() + budget;
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
