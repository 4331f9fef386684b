#pragma once
/// A circuit breaker (M. Nygard, Release It!, 2007): blocks requests to a stage that fails or is slow, and detects by
/// probes when the stage works again.
///
///   closed      requests pass; their outcomes are counted over a sliding window
///   open        no request passes, for a time that doubles with each failed recovery and has a random jitter
///   half-open   no request passes, but copies of a few are tried as probes: n_probes successes in a row close the
///               breaker, one failure opens it
///   isolated    set manually: no request passes until release(), which leads to half-open
///
/// The caller supplies the time, in microseconds of a clock that does not go backwards. The window has ten slices; a
/// slice leaves it as a whole.
/// Thread-safety: all calls are thread-safe and lock-free. `admits` is one load, `record` one exchange and 11 loads.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::cascade {

struct BreakerOptions {
  std::int64_t window_us = 1'000'000;
  std::uint32_t min_calls = 50;  // calls in the window below which it does not open
  double failure_rate = 0.5;     // share of failed calls from which it opens; above 1: never
  std::int64_t slow_us = 0;      // a call that takes longer is slow; 0: no call is
  double slow_rate = 0.8;        // share of slow calls from which it opens
  std::int64_t open_us = 250'000;
  std::int64_t max_open_us = 8'000'000;  // limit of the doubling
  double jitter = 0.2;                   // an open time varies by this share in both directions; in [0, 1)
  std::uint32_t n_probes = 5;            // successes in a row that close it; 1 to 255
  std::uint64_t seed = 1;
};

enum class BreakerState : std::uint8_t { closed, open, half_open, isolated };
const char* to_string(BreakerState state);

class Breaker {
 public:
  /// Throws Error{breaker.options} if an option is out of range.
  explicit Breaker(const BreakerOptions& options = {});

  /// Whether a request may pass. An open breaker whose time is over becomes half-open.
  bool admits(std::int64_t now_us);
  /// Whether a copy of this request should be tried and its answer discarded. True only if the breaker is half-open and
  /// the successes and running probes are fewer than n_probes. The caller must call record_probe once per true.
  bool wants_probe(std::int64_t now_us);

  void record(bool ok, std::int64_t took_us, std::int64_t now_us);
  void record_probe(bool ok, std::int64_t took_us, std::int64_t now_us);

  void isolate();
  void release();

  BreakerState state() const;
  std::uint64_t n_opened() const { return n_opened_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kSlices = 10;
  struct Word;    // the state and everything that changes with it
  struct Counts;  // the calls of a slice
  bool is_slow(std::int64_t took_us) const { return options_.slow_us > 0 && took_us > options_.slow_us; }
  Word opened(std::uint32_t failures, std::int64_t now_us);
  void count(bool ok, bool slow, std::int64_t slice);
  bool trips(std::int64_t slice) const;
  void forget();

  BreakerOptions options_;
  std::int64_t slice_us_;
  std::atomic<std::uint64_t> word_;
  std::array<std::atomic<std::uint64_t>, kSlices> slices_{};
  std::atomic<std::uint64_t> n_opened_ = 0;
};

}  // namespace sluice::cascade
