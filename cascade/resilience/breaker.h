#pragma once
/// A circuit breaker (M. Nygard, Release It!, 2007): keeps requests from a stage that fails or is slow, and finds out
/// by probes when it works again.
///
///   closed      requests go through; their outcomes are counted over a sliding window
///   open        none goes through, until a time that doubles with each failed recovery and is spread by jitter
///   half-open   none goes through, but copies of a few do: enough good ones in a row close it, one bad one opens it
///   isolated    by hand: none goes through until it is released, which leads to half-open
///
/// Time is the caller's: microseconds of a clock that does not go backwards. The window is kept in ten slices; a slice
/// leaves it as a whole. Thread-safe and lock-free: `admits` is one load, `record` one exchange and eleven loads.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::cascade {

struct BreakerOptions {
  std::int64_t window_us = 1'000'000;
  std::uint32_t min_calls = 50;  // in the window, before rates mean anything
  double failure_rate = 0.5;     // from which it opens; above 1 is never
  std::int64_t slow_us = 0;      // a call that takes longer is slow; 0: none is
  double slow_rate = 0.8;        // of slow calls, from which it opens
  std::int64_t open_us = 250'000;
  std::int64_t max_open_us = 8'000'000;  // of the doubling
  double jitter = 0.2;                   // an open time is spread by so much to either side
  std::uint32_t n_probes = 5;            // good ones in a row that close it
  std::uint64_t seed = 1;
};

enum class BreakerState : std::uint8_t { closed, open, half_open, isolated };
const char* to_string(BreakerState state);

class Breaker {
 public:
  explicit Breaker(const BreakerOptions& options = {});

  /// Whether a request may go through. An open breaker whose time has passed becomes half-open.
  bool admits(std::int64_t now_us);
  /// Whether a copy of this request may be tried, its answer thrown away: half-open, with fewer than n_probes on their
  /// way. Each true is answered by one record_probe.
  bool wants_probe(std::int64_t now_us);

  void record(bool ok, std::int64_t took_us, std::int64_t now_us);
  void record_probe(bool ok, std::int64_t took_us, std::int64_t now_us);

  void isolate();
  void release();

  BreakerState state() const;
  std::uint64_t n_opened() const { return n_opened_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kSlices = 10;
  struct Word;    // the state and all that changes with it
  struct Counts;  // of a slice
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
