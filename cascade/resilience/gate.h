#pragma once
/// How many requests may be in one part of the engine at once, by priority.
///
/// A request whose priority has its share of the limit in use is turned away, and so are those after it until the
/// number under way has fallen to `resume_share` of that: without such a gap every second request would change the
/// level. Thread-safe and lock-free.

#include <array>
#include <atomic>
#include <cstdint>

#include "sluice/cascade/request.h"

namespace sluice::cascade {

struct GateOptions {
  std::int64_t limit = 0;                      // of requests at once; 0: none is turned away and none is counted
  double normal_share = 0.9, low_share = 0.6;  // of the limit, that those priorities may use; high may use all of it
  double resume_share = 0.8;
};

class Gate {
 public:
  explicit Gate(const GateOptions& options = {});

  /// A request's stay. False where it was turned away.
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
