#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sluice/cascade/engine.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
using std::chrono::milliseconds;

/// Throws, hangs for a while or answers, as configured; counts the calls.
struct ToldNetwork final : NetworkStage {
  enum Mood { good, throws, not_finite };
  std::atomic<Mood> mood = good;
  std::thread::id caller;  // of decide
  mutable std::atomic<int> n_asked = 0, n_probed = 0;

  NetworkAnswer score(RowsView, std::span<const PrefixMargins>, std::span<float> out, Deadline) const override {
    ++(std::this_thread::get_id() == caller ? n_asked : n_probed);
    if (mood == throws) throw std::runtime_error("told to");
    out[0] = mood == not_finite ? NAN : 1.0f;
    return {Cause::none, DeviceName("told")};
  }
};

struct Told {
  explicit Told(const TempDir& dir) : network(std::make_shared<ToldNetwork>()) {
    network->caller = std::this_thread::get_id();
    const BreakerOptions options{
        .window_us = 60'000'000, .min_calls = 20, .open_us = 20'000, .max_open_us = 20'000, .n_probes = 3};
    breaker = std::make_shared<Breaker>(options);
    engine = std::make_unique<Engine>(small_bundle(dir / "b", 5, {.band = Band{0, 1, true}}),
                                      EngineOptions{.network = network, .network_breaker = breaker});
    rows = small_rows(engine->bundle().schema, 1, 3);
    network->n_asked = 0;  // the engine measured it
  }
  Decision decide() const { return engine->decide(rows.row(0)); }

  std::shared_ptr<ToldNetwork> network;
  std::shared_ptr<Breaker> breaker;
  std::unique_ptr<Engine> engine;
  Table rows{1};
};

}  // namespace

TEST_CASE("a failing network gets no requests after min_calls, is probed on copies, and is used again when it works") {
  for (const auto mood : {ToldNetwork::throws, ToldNetwork::not_finite}) {
    const TempDir dir;
    const Told told(dir);
    told.network->mood = mood;
    for (int i = 0; i < 20; ++i) {
      const Cause cause = told.decide().cause;
      CHECK(cause == (mood == ToldNetwork::throws ? Cause::network_failed : Cause::network_not_finite));
    }
    CHECK(told.network->n_asked == 20);
    for (int i = 0; i < 100; ++i) {
      const Decision d = told.decide();
      REQUIRE(d.level == Level::L1);
      REQUIRE(d.cause == Cause::network_open);
      REQUIRE(d.took(Stage::forest));
    }
    CHECK(told.network->n_asked == 20);

    told.network->mood = ToldNetwork::good;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Decision d;
    while ((d = told.decide()).level != Level::L0 && std::chrono::steady_clock::now() < give_up) {
      REQUIRE(d.cause == Cause::network_open);
      std::this_thread::sleep_for(milliseconds(1));
    }
    CHECK(d.level == Level::L0);
    CHECK(told.network->n_asked == 21);  // the one answer at L0: no probe delayed a caller
    CHECK(told.network->n_probed >= 3);
    CHECK(told.breaker->state() == BreakerState::closed);
  }
}

TEST_CASE("a manually isolated network is not called, and a batch ignores the breaker") {
  const TempDir dir;
  const Told told(dir);
  told.engine->network_breaker().isolate();
  for (int i = 0; i < 10; ++i) CHECK(told.decide().cause == Cause::network_open);
  CHECK(told.network->n_asked + told.network->n_probed == 0);
  std::vector<Decision> decisions(1);
  told.engine->decide_batch(told.rows.view(), decisions);
  CHECK(decisions[0].level == Level::L0);
  told.engine->network_breaker().release();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (told.decide().level != Level::L0 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(milliseconds(1));
  CHECK(told.decide().level == Level::L0);
}

TEST_CASE("an engine that is destroyed while a probe hangs does not wait for it") {
  struct Hanging final : NetworkStage {
    std::atomic<bool> hangs = false;
    std::shared_ptr<std::atomic<int>> n_hanging = std::make_shared<std::atomic<int>>(0);
    std::shared_ptr<std::atomic<bool>> may_end = std::make_shared<std::atomic<bool>>(false);
    NetworkAnswer score(RowsView, std::span<const PrefixMargins>, std::span<float> out, Deadline) const override {
      out[0] = 1;
      if (!hangs) return {};
      ++*n_hanging;
      while (!*may_end) std::this_thread::sleep_for(milliseconds(1));
      return {};
    }
  };
  const TempDir dir;
  auto network = std::make_shared<Hanging>();
  const auto n_hanging = network->n_hanging;
  const auto may_end = network->may_end;
  auto engine = std::make_unique<Engine>(small_bundle(dir / "b", 5, {.band = Band{0, 1, true}}),
                                         EngineOptions{.network = network});
  network->hangs = true;
  engine->network_breaker().isolate();
  engine->network_breaker().release();
  const Table rows = small_rows(engine->bundle().schema, 1, 3);
  while (*n_hanging == 0) CHECK(engine->decide(rows.row(0)).cause == Cause::network_open);
  const std::weak_ptr<Hanging> left = network;
  network.reset();
  engine.reset();
  CHECK_FALSE(left.expired());  // the probe still uses it
  *may_end = true;
  for (int i = 0; i < 60'000 && !left.expired(); ++i) std::this_thread::sleep_for(milliseconds(1));
  CHECK(left.expired());
}

}  // namespace sluice::test
