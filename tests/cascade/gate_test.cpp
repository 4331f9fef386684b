#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sluice/base/random.h"
#include "sluice/cascade/ledger.h"
#include "sluice/cascade/resilience/gate.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

using namespace cascade;

using Stays = std::vector<std::unique_ptr<Gate::Pass>>;

bool enter(Gate& gate, Priority priority, Stays& stays) {
  std::unique_ptr<Gate::Pass> pass(new Gate::Pass(gate.enter(priority)));  // neither copied nor moved
  if (!*pass) return false;
  stays.push_back(std::move(pass));
  return true;
}

/// How many requests of a priority an empty gate admits.
std::size_t room(Gate& gate, Priority priority) {
  Stays stays;
  while (stays.size() < 1000 && enter(gate, priority, stays)) {
  }
  return stays.size();
}

}  // namespace

TEST_CASE("each priority has its share of the limit, and without a limit all requests are admitted") {
  const auto room_of = [](Priority priority) {
    Gate gate({.limit = 50, .normal_share = 0.8, .low_share = 0.5});
    return room(gate, priority);
  };
  CHECK(room_of(Priority::high) == 50);
  CHECK(room_of(Priority::normal) == 40);
  CHECK(room_of(Priority::low) == 25);
  Gate open;
  CHECK(room(open, Priority::low) == 1000);
  CHECK(open.under_way() == 0);
}

TEST_CASE("a priority that was refused is admitted again when its use has fallen to resume_share") {
  Gate gate({.limit = 10, .normal_share = 1, .resume_share = 0.5});
  Stays stays;
  while (enter(gate, Priority::normal, stays)) {
  }
  CHECK(stays.size() == 10);
  for (int left = 9; left > 5; --left) {
    stays.pop_back();
    CHECK_FALSE(enter(gate, Priority::normal, stays));
    CHECK(enter(gate, Priority::high, stays));  // was never refused
    stays.pop_back();
  }
  stays.pop_back();
  CHECK(enter(gate, Priority::normal, stays));
  CHECK(enter(gate, Priority::normal, stays));
}

TEST_CASE("a gate with limit 1 admits one request at a time, again and again") {
  for (const double resume : {0.0, 0.8, 1.0}) {
    Gate gate({.limit = 1, .normal_share = 0.1, .low_share = 0, .resume_share = resume});
    for (int k = 0; k < 5; ++k) {
      Stays stays;
      CHECK(enter(gate, Priority::low, stays));
      CHECK_FALSE(enter(gate, Priority::low, stays));
      CHECK_FALSE(enter(gate, Priority::normal, stays));
    }
  }
}

TEST_CASE("a gate never admits more than its limit and loses no request, whatever the threads") {
  Gate gate({.limit = 3});
  std::atomic<int> inside = 0, most = 0, entered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      for (int k = 0; k < 2000; ++k) {
        const Gate::Pass pass = gate.enter(static_cast<Priority>((t + k) % 3));
        if (!pass) continue;
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        ++entered;
        --inside;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(most <= 3);
  CHECK(entered > 0);
  CHECK(gate.under_way() == 0);
}

TEST_CASE("a ledger counts every decision under its level, action and cause") {
  Ledger ledger;
  Random random(5);
  std::array<std::uint64_t, kLevelCount> levels{};
  std::array<std::uint64_t, kCauseCount> causes{};
  std::uint64_t late = 0;
  for (int k = 0; k < 1000; ++k) {
    Decision d;
    d.level = static_cast<Level>(random.below(4));
    d.cause = static_cast<Cause>(random.below(kCauseCount));
    d.action = static_cast<Action>(1 + random.below(3));
    const bool is_late = random.below(5) == 0;
    ledger.arrive();
    CHECK(ledger.counts().under_way() == 1);
    ledger.decide(d, is_late);
    ++levels[static_cast<std::size_t>(d.level)];
    ++causes[static_cast<std::size_t>(d.cause)];
    late += is_late;
  }
  const auto counts = ledger.counts();
  CHECK(counts.in == 1000);
  CHECK(counts.under_way() == 0);
  CHECK(counts.levels == levels);
  CHECK(counts.causes == causes);
  CHECK(counts.late == late);
  CHECK(counts.actions[0] == 0);
  CHECK(counts.to_json().starts_with(R"({"in":1000,"under_way":0,"late":)"));
}

TEST_CASE("a ledger that is read while threads write never has more decisions than arrivals, and balances at the end") {
  Ledger ledger;
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int k = 0; k < 20'000; ++k) {
        ledger.arrive();
        ledger.decide({.action = Action::approve});
      }
    });
  std::thread reader([&] {
    while (!is_over) {
      const auto counts = ledger.counts();
      if (counts.decided() > counts.in) throw std::logic_error("more decisions than arrivals");
    }
  });
  for (auto& thread : threads) thread.join();
  is_over = true;
  reader.join();
  CHECK(ledger.counts().in == 60'000);
  CHECK(ledger.counts().levels[0] == 60'000);
}

}  // namespace sluice::test
