#include "sluice/cascade/resilience/breaker.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "sluice/base/error.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

using namespace cascade;

constexpr BreakerOptions kSmall{.window_us = 10'000,
                                .min_calls = 2,
                                .failure_rate = 0.5,
                                .slow_us = 100,
                                .slow_rate = 0.6,
                                .open_us = 3'000,
                                .max_open_us = 5'000,
                                .jitter = 0,
                                .n_probes = 2};

/// The breaker as its header describes it, with every call stored.
struct PlainBreaker {
  struct Call {
    std::int64_t slice;
    bool ok, slow;
  };
  std::vector<Call> calls;
  BreakerState state = BreakerState::closed;
  std::int64_t until_us = 0;
  int failed_recoveries = 0, good = 0, flying = 0;

  void look(std::int64_t now) {
    if (state == BreakerState::open && now >= until_us) state = BreakerState::half_open, good = flying = 0;
  }
  void open(std::int64_t now) {
    state = BreakerState::open;
    until_us = now + std::min(kSmall.open_us << failed_recoveries, kSmall.max_open_us);
  }
  bool admits(std::int64_t now) {
    look(now);
    return state == BreakerState::closed;
  }
  bool wants_probe(std::int64_t now) {
    look(now);
    if (state != BreakerState::half_open || good + flying >= static_cast<int>(kSmall.n_probes)) return false;
    ++flying;
    return true;
  }
  void record(bool ok, bool slow, std::int64_t now) {
    const std::int64_t slice = now / 1000;
    calls.push_back({slice, ok, slow});
    if (state != BreakerState::closed) return;
    double n = 0, bad = 0, late = 0;
    for (const Call& call : calls)
      if (call.slice > slice - 10) ++n, bad += !call.ok, late += call.slow;
    if (n < kSmall.min_calls) return;
    if (bad >= 0.5 * n || late >= 0.6 * n) failed_recoveries = 0, open(now);
  }
  void record_probe(bool ok, std::int64_t now) {
    if (state != BreakerState::half_open || flying == 0) return;
    if (!ok) return ++failed_recoveries, open(now);
    --flying;
    if (++good < static_cast<int>(kSmall.n_probes)) return;
    state = BreakerState::closed;
    failed_recoveries = 0;
    calls.clear();
  }
  void isolate() { state = BreakerState::isolated, failed_recoveries = 0; }
  void release() {
    if (state == BreakerState::isolated) state = BreakerState::half_open, good = flying = 0;
  }
};

constexpr int kEvents = 9;

/// Whether both agree after event `e`.
bool step(int e, Breaker& real, PlainBreaker& plain, std::int64_t& now) {
  bool same = true;
  switch (e) {
    case 0:
      real.record(true, 10, now), plain.record(true, false, now);
      break;
    case 1:
      real.record(false, 10, now), plain.record(false, false, now);
      break;
    case 2:
      real.record(true, 101, now), plain.record(true, true, now);
      break;
    case 3:
      now += 3'000;
      break;
    case 4:
      now += 9'000;
      break;
    case 5:
      same = real.wants_probe(now) == plain.wants_probe(now);
      break;
    case 6:
      real.record_probe(true, 10, now), plain.record_probe(true, now);
      break;
    case 7:
      real.record_probe(true, 101, now), plain.record_probe(false, now);
      break;
    default:
      real.state() == BreakerState::isolated ? real.release() : real.isolate();
      plain.state == BreakerState::isolated ? plain.release() : plain.isolate();
  }
  return same && real.admits(now) == plain.admits(now) && real.state() == plain.state;
}

}  // namespace

TEST_CASE("every short sequence of events leads the breaker to the state that its description requires") {
  constexpr int kLength = 7;
  std::size_t n_opened = 0, n_closed_again = 0;
  int n_sequences = 1;
  for (int i = 0; i < kLength; ++i) n_sequences *= kEvents;
  for (int sequence = 0; sequence < n_sequences; ++sequence) {
    Breaker real(kSmall);
    PlainBreaker plain;
    std::int64_t now = 50'000;
    bool was_half_open = false, same = true;
    for (int i = 0, rest = sequence; i < kLength && same; ++i, rest /= kEvents) {
      same = step(rest % kEvents, real, plain, now);
      was_half_open |= plain.state == BreakerState::half_open;
      n_closed_again += was_half_open && plain.state == BreakerState::closed;
    }
    n_opened += real.n_opened() > 0;
    if (!same) {
      INFO("sequence " << sequence);
      REQUIRE(same);
    }
  }
  CHECK(n_opened > 1000);
  CHECK(n_closed_again > 100);
}

TEST_CASE("open times double up to a limit and vary by jitter, in the same way for the same seed") {
  const BreakerOptions options{
      .min_calls = 1, .open_us = 100'000, .max_open_us = 400'000, .jitter = 0.2, .n_probes = 1};
  const auto open_times = [&](std::uint64_t seed) {
    BreakerOptions seeded = options;
    seeded.seed = seed;
    Breaker breaker(seeded);
    std::vector<std::int64_t> times;
    std::int64_t now = 1'000'000;
    breaker.record(false, 1, now);
    for (int round = 0; round < 6; ++round) {
      const std::int64_t start = now;
      while (!breaker.wants_probe(now)) now += 1000;
      times.push_back(now - start);
      breaker.record_probe(false, 1, now);
    }
    return times;
  };
  const auto times = open_times(3);
  const std::vector<double> around = {1e5, 2e5, 4e5, 4e5, 4e5, 4e5};
  for (std::size_t k = 0; k < 6; ++k) {
    CHECK(static_cast<double>(times[k]) >= 0.8 * around[k]);
    CHECK(static_cast<double>(times[k]) <= 1.2 * around[k] + 1000);
  }
  CHECK(times[2] != times[3]);
  CHECK(open_times(3) == times);
  CHECK(open_times(4) != times);
}

TEST_CASE("a slice that is full stops counting, and a day without traffic counts nothing") {
  Breaker breaker({.min_calls = 50});
  for (int i = 0; i < 40'000; ++i) breaker.record(true, 1, 1'000'000);
  for (int i = 0; i < 40'000; ++i) breaker.record(false, 1, 1'000'001);
  CHECK(breaker.state() == BreakerState::closed);  // the slice holds 16,383 good calls
  for (int i = 0; i < 49; ++i) breaker.record(false, 1, 86'400'000'000);
  CHECK(breaker.state() == BreakerState::closed);
  breaker.record(false, 1, 86'400'000'000);
  CHECK(breaker.state() == BreakerState::open);
}

TEST_CASE("threads lose no call, and never run more probes than n_probes at a time") {
  Breaker breaker({.window_us = 1'000'000'000,
                   .min_calls = 8000,
                   .failure_rate = 1.0,
                   .open_us = 0,
                   .max_open_us = 0,
                   .n_probes = 7});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) breaker.record(false, 1, 5);
    });
  for (auto& thread : threads) thread.join();
  CHECK(breaker.n_opened() == 1);

  threads.clear();
  std::atomic<int> n_probes = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) n_probes += breaker.wants_probe(2000);
    });
  for (auto& thread : threads) thread.join();
  CHECK(n_probes == 7);
  for (int i = 0; i < 7; ++i) breaker.record_probe(true, 1, 2001);
  CHECK(breaker.state() == BreakerState::closed);
}

TEST_CASE("a breaker with an option out of range is refused") {
  CHECK_THROWS_AS(Breaker({.window_us = 0}), Error);
  CHECK_THROWS_AS(Breaker({.n_probes = 0}), Error);
  CHECK_THROWS_AS(Breaker({.n_probes = 256}), Error);
  CHECK_THROWS_AS(Breaker({.open_us = 10, .max_open_us = 5}), Error);
  CHECK_THROWS_AS(Breaker({.jitter = 1}), Error);
}

}  // namespace sluice::test
