#pragma once
/// Limits how many requests are in one part of the engine at a time, by priority.
///
/// If a priority's share of the limit is in use, its requests are refused until the number under way has fallen to
/// `resume_share` of that share. Without this hysteresis every second request would change the level.
/// Thread-safety: all calls are thread-safe and lock-free.

#include <array>
#include <atomic>
#include <cstdint>

#include "sluice/cascade/request.h"

namespace sluice::cascade {

struct GateOptions {
  std::int64_t limit = 0;                      // concurrent requests; 0: no request is refused or counted
  double normal_share = 0.9, low_share = 0.6;  // shares of the limit for these priorities; high may use all of it
  double resume_share = 0.8;                   // of a priority's share, below which it is admitted again
};

class Gate {
 public:
  explicit Gate(const GateOptions& options = {});

  /// A request's place in the gate, given back by the destructor. False if the request was refused.
  class Pass {
   public:
    explicit Pass(Gate* gate, bool is_in) : gate_(gate), is_in_(is_in) {}
    ~Pass() {
      if (gate_ && is_in_) gate_->leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return is_in_; }

   private:
    Gate* gate_;  // null: not counted
    bool is_in_;
  };

  Pass enter(Priority priority) { return is_open_ ? Pass(nullptr, true) : Pass(this, admit(priority)); }
  std::int64_t under_way() const { return n_.load(std::memory_order_relaxed); }

 private:
  bool admit(Priority priority);
  void leave() { n_.fetch_sub(1, std::memory_order_relaxed); }

  bool is_open_;
  std::array<std::int64_t, kPriorityCount> limits_, resume_;
  std::array<std::atomic<bool>, kPriorityCount> is_full_{};
  std::atomic<std::int64_t> n_ = 0;
};

}  // namespace sluice::cascade
