#include "sluice/cascade/resilience/breaker.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/base/random.h"

namespace sluice::cascade {

/// Packed into one 64-bit word, so that a change of state is one exchange.
struct Breaker::Word {
  BreakerState state = BreakerState::closed;
  std::uint32_t failures = 0;          // failed recoveries in a row
  std::uint32_t good = 0, flying = 0;  // probes that succeeded, probes that are running
  std::int64_t until_ms = 0;           // end of the open state

  static constexpr std::uint32_t kMaxFailures = 63, kMaxProbes = 255;

  static Word of(std::uint64_t bits) {
    return {static_cast<BreakerState>(bits & 3), static_cast<std::uint32_t>(bits >> 2 & 63),
            static_cast<std::uint32_t>(bits >> 8 & 255), static_cast<std::uint32_t>(bits >> 16 & 255),
            static_cast<std::int64_t>(bits >> 24)};
  }
  std::uint64_t bits() const {
    return static_cast<std::uint64_t>(state) | std::uint64_t{failures} << 2 | std::uint64_t{good} << 8 |
           std::uint64_t{flying} << 16 | static_cast<std::uint64_t>(until_ms) << 24;
  }
};

/// Packed into one 64-bit word: the slice's number (its last 24 bits), calls, failures, slow calls. Stops counting when
/// full.
struct Breaker::Counts {
  std::uint32_t slice = 0, calls = 0, failures = 0, slow = 0;

  static constexpr std::uint32_t kMaxCalls = (1u << 14) - 1, kMaxBad = (1u << 13) - 1;

  static Counts of(std::uint64_t bits) {
    return {static_cast<std::uint32_t>(bits & 0xffffff), static_cast<std::uint32_t>(bits >> 24 & kMaxCalls),
            static_cast<std::uint32_t>(bits >> 38 & kMaxBad), static_cast<std::uint32_t>(bits >> 51 & kMaxBad)};
  }
  std::uint64_t bits() const {
    return std::uint64_t{slice} | std::uint64_t{calls} << 24 | std::uint64_t{failures} << 38 |
           std::uint64_t{slow} << 51;
  }
  bool is_full() const { return calls == kMaxCalls || failures == kMaxBad || slow == kMaxBad; }
};

Breaker::Breaker(const BreakerOptions& options)
    : options_(options), slice_us_(std::max<std::int64_t>(1, options.window_us / kSlices)), word_(Word{}.bits()) {
  if (options.window_us <= 0 || options.open_us < 0 || options.max_open_us < options.open_us ||
      options.min_calls == 0 || options.n_probes == 0 || options.n_probes > Word::kMaxProbes ||
      !(options.jitter >= 0 && options.jitter < 1))
    throw Error("breaker.options", "a breaker option is out of range",
                "use window_us > 0, min_calls > 0, 1 to 255 n_probes, 0 <= open_us <= max_open_us, jitter in [0, 1)");
}

bool Breaker::admits(std::int64_t now_us) {
  std::uint64_t bits = word_.load(std::memory_order_acquire);
  const Word word = Word::of(bits);
  if (word.state == BreakerState::open && now_us / 1000 >= word.until_ms)
    word_.compare_exchange_strong(bits, Word{BreakerState::half_open, word.failures}.bits());
  return word.state == BreakerState::closed;
}

bool Breaker::wants_probe(std::int64_t now_us) {
  admits(now_us);
  std::uint64_t bits = word_.load(std::memory_order_acquire);
  for (;;) {
    Word word = Word::of(bits);
    if (word.state != BreakerState::half_open || word.good + word.flying >= options_.n_probes) return false;
    ++word.flying;
    if (word_.compare_exchange_weak(bits, word.bits())) return true;
  }
}

void Breaker::record(bool ok, std::int64_t took_us, std::int64_t now_us) {
  const std::int64_t slice = now_us / slice_us_;
  count(ok, is_slow(took_us), slice);
  std::uint64_t bits = word_.load(std::memory_order_acquire);
  if (Word::of(bits).state != BreakerState::closed || !trips(slice)) return;
  if (word_.compare_exchange_strong(bits, opened(0, now_us).bits())) n_opened_.fetch_add(1, std::memory_order_relaxed);
}

void Breaker::record_probe(bool ok, std::int64_t took_us, std::int64_t now_us) {
  const bool is_good = ok && !is_slow(took_us);
  std::uint64_t bits = word_.load(std::memory_order_acquire);
  for (;;) {
    Word word = Word::of(bits);
    if (word.state != BreakerState::half_open || word.flying == 0) return;  // a probe of an earlier recovery
    if (!is_good) {
      word = opened(std::min(word.failures + 1, Word::kMaxFailures), now_us);
    } else if (--word.flying, ++word.good >= options_.n_probes) {
      forget();
      word = Word{};
    }
    if (!word_.compare_exchange_weak(bits, word.bits())) continue;
    if (!is_good) n_opened_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
}

void Breaker::isolate() { word_.store(Word{BreakerState::isolated}.bits()); }

void Breaker::release() {
  std::uint64_t bits = word_.load();
  if (Word::of(bits).state == BreakerState::isolated)
    word_.compare_exchange_strong(bits, Word{BreakerState::half_open}.bits());
}

BreakerState Breaker::state() const { return Word::of(word_.load(std::memory_order_acquire)).state; }

Breaker::Word Breaker::opened(std::uint32_t failures, std::int64_t now_us) {
  const double doubled = std::ldexp(static_cast<double>(options_.open_us), static_cast<int>(failures)),
               most = std::min(doubled, static_cast<double>(options_.max_open_us)),
               place = static_cast<double>(mix64(options_.seed + n_opened_.load()) >> 11) * 0x1p-53;  // [0, 1)
  const auto us = static_cast<std::int64_t>(most * (1 + options_.jitter * (2 * place - 1)));
  return {BreakerState::open, failures, 0, 0, (now_us + us + 999) / 1000};
}

void Breaker::count(bool ok, bool slow, std::int64_t slice) {
  const auto number = static_cast<std::uint32_t>(slice & 0xffffff);
  auto& place = slices_[static_cast<std::size_t>(slice) % kSlices];
  std::uint64_t bits = place.load(std::memory_order_relaxed);
  for (;;) {
    Counts counts = Counts::of(bits);
    if (counts.slice != number) counts = {number};
    if (counts.is_full()) return;
    ++counts.calls;
    counts.failures += !ok;
    counts.slow += slow;
    if (place.compare_exchange_weak(bits, counts.bits(), std::memory_order_relaxed)) return;
  }
}

bool Breaker::trips(std::int64_t slice) const {
  std::uint64_t calls = 0, failures = 0, slow = 0;
  for (std::size_t k = 0; k < kSlices; ++k) {
    const std::int64_t number = slice - static_cast<std::int64_t>(k);
    if (number < 0) break;
    const Counts counts =
        Counts::of(slices_[static_cast<std::size_t>(number) % kSlices].load(std::memory_order_relaxed));
    if (counts.slice != static_cast<std::uint32_t>(number & 0xffffff)) continue;
    calls += counts.calls;
    failures += counts.failures;
    slow += counts.slow;
  }
  const auto n = static_cast<double>(calls);
  const auto reaches = [n](std::uint64_t bad, double rate) { return bad > 0 && static_cast<double>(bad) >= rate * n; };
  return calls >= options_.min_calls && (reaches(failures, options_.failure_rate) || reaches(slow, options_.slow_rate));
}

void Breaker::forget() {
  for (auto& slice : slices_) slice.store(0, std::memory_order_relaxed);
}

const char* to_string(BreakerState state) {
  static constexpr const char* kNames[] = {"closed", "open", "half_open", "isolated"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace sluice::cascade
