#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <thread>

#include "sluice/base/error.h"
#include "sluice/cascade/engine.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/decision_bits.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;

Policy policy_with_band(std::optional<Band> band) {
  Policy policy;
  policy.band = band;
  policy.level0 = policy.level1 = {0.4, 0.6, Action::review};
  return policy;
}

std::shared_ptr<Bundle> copy_of(const std::shared_ptr<const Bundle>& bundle) {
  return std::make_shared<Bundle>(*bundle);
}

struct CountingForest final : ForestStage {
  float margin = 0;
  mutable std::atomic<int> n_calls = 0;
  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    ++n_calls;
    for (std::size_t i = 0; i < rows.n_rows; ++i) out[i].fill(margin);
  }
};

struct TableProvider final : FeatureProvider {
  mutable std::vector<double> cells;
  mutable int n_calls = 0;
  Result fetch(RowView, std::span<double> late, Deadline) const override {
    ++n_calls;
    std::copy(cells.begin(), cells.end(), late.begin());
    return Result::ok;
  }
};

}  // namespace

TEST_CASE("decide and decide_batch give the same bits, whatever the batch and the threads") {
  for (const Band band : {Band{0.3, 0.7}, kGainBand}) {
    const TempDir dir;
    const bool with_late = band.min_gain.has_value();
    const Engine engine(small_bundle(dir / "b", 3, {.with_late = with_late, .with_rules = true, .band = band}));
    const Table rows = small_rows(engine.bundle().schema, 1200, 4);
    std::vector<std::vector<std::uint64_t>> expected;
    std::size_t n_forwarded = 0;
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const Decision d = engine.decide(rows.row(i));
      n_forwarded += d.network.ran;
      expected.push_back(decision_bits(d));
    }
    REQUIRE(n_forwarded > 50);
    for (const std::size_t n_threads : {1, 2, 5}) {
      ThreadPool pool(n_threads);
      for (const std::size_t n : {1, 2, 255, 256, 257, 1200}) {
        CAPTURE(with_late, n_threads, n);
        std::vector<Decision> decisions(n);
        engine.decide_batch(rows.view().slice(0, n), decisions, &pool);
        for (std::size_t i = 0; i < n; ++i) REQUIRE(decision_bits(decisions[i]) == expected[i]);
      }
    }
  }
}

TEST_CASE("eight threads that share an engine get the same answers as one thread") {
  const TempDir dir;
  const Engine engine(small_bundle(dir / "b", 5, {.with_rules = true}));
  const Table rows = small_rows(engine.bundle().schema, 200, 6);
  std::vector<std::vector<std::uint64_t>> expected;
  for (std::size_t i = 0; i < 200; ++i) expected.push_back(decision_bits(engine.decide(rows.row(i))));
  std::atomic<int> n_wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 200; ++k) {
        const std::size_t i = (k * 7 + t * 31) % 200;
        n_wrong += decision_bits(engine.decide(rows.row(i))) != expected[i];
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(n_wrong == 0);
}

TEST_CASE("a decision allocates nothing, forwarded or not") {
  const TempDir dir;
  const Band band = GENERATE(Band{0.3, 0.7}, kGainBand);
  const Engine engine(small_bundle(dir / "b", 7, {.with_rules = true, .band = band}));
  const Table rows = small_rows(engine.bundle().schema, 300, 8);
  std::size_t n_forwarded = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t before = n_allocations();
    const Decision d = engine.decide(rows.row(i));
    REQUIRE(n_allocations() == before);
    n_forwarded += d.network.ran;
  }
  CHECK(n_forwarded > 10);
  CHECK(n_forwarded < 290);
}

TEST_CASE("the band contains its low end, and its high end only if it is closed") {
  const TempDir dir;
  const auto loaded = small_bundle(dir / "b", 9);
  const auto forest = std::make_shared<CountingForest>();
  const auto is_in = [&](Band band) {
    auto bundle = copy_of(loaded);
    bundle->policy = policy_with_band(band);
    const Engine engine(bundle, {.forest = forest});
    const Table row = small_rows(bundle->schema, 1, 10);
    const Decision d = engine.decide(row.row(0));
    CHECK(d.in_band == d.network.ran);
    CHECK(d.took(Stage::network) == d.in_band);
    return d.in_band;
  };
  forest->margin = 0.37f;
  const double p = loaded->calibration.forest.probability(forest->margin), above = std::nextafter(p, 1.0),
               below = std::nextafter(p, 0.0);
  CHECK(is_in({p, 1}));
  CHECK_FALSE(is_in({above, 1}));
  CHECK_FALSE(is_in({0, p}));
  CHECK(is_in({0, above}));
  CHECK(is_in({0, p, true}));
  CHECK_FALSE(is_in({0, below, true}));
  CHECK_FALSE(is_in({p, p}));
  CHECK(is_in({p, p, true}));
}

TEST_CASE("a knock-out is decided without a call of the forest") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 11, {.with_rules = true});
  const auto forest = std::make_shared<CountingForest>();
  const Engine engine(bundle, {.forest = forest});
  Table row = small_rows(bundle->schema, 1, 12);
  row.row(0)[bundle->schema.index_of("amount")] = 5;  // the small bundle declines above 4
  const Decision d = engine.decide(row.row(0));
  CHECK(forest->n_calls == 0);
  CHECK(d.action == Action::decline);
  CHECK(d.took(Stage::pre_rules));
  CHECK_FALSE(d.took(Stage::forest));
  CHECK_FALSE(d.forest.ran);
  row.row(0)[bundle->schema.index_of("amount")] = 3;
  CHECK(engine.decide(row.row(0)).took(Stage::forest));
  CHECK(forest->n_calls == 1);
}

TEST_CASE("post rules override the models") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 13, {.with_rules = true});
  const auto forest = std::make_shared<CountingForest>();
  forest->margin = 6;  // p above the 0.9 that the small bundle's rule looks for
  const Table row = small_rows(bundle->schema, 1, 14);
  const Decision d = Engine(bundle, {.forest = forest}).decide(row.row(0));
  CHECK(bundle->policy.level0.decide(d.p_final) == Action::decline);
  CHECK(d.action == Action::review);
  CHECK(d.took(Stage::post_rules));
}

TEST_CASE(
    "late features from a provider give the bits of the same cells in the row, and are fetched only inside the band") {
  const TempDir dir;
  const auto bundle = small_bundle(dir / "b", 15, {.with_late = true});
  const Engine engine(bundle);
  const auto late = bundle->schema.late_columns();
  const Table rows = small_rows(bundle->schema, 400, 16);
  TableProvider provider;
  int n_in_band = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    std::vector<double> row(rows.row(i).begin(), rows.row(i).end());
    const Decision expected = engine.decide(row);
    if (expected.cause == Cause::late_features_missing) continue;
    provider.cells.clear();
    for (const std::size_t c : late) {
      provider.cells.push_back(row[c]);
      row[c] = -77;  // with a provider, the row's own cells are not read
    }
    const Decision d = engine.decide(row, Deadline::none(), &provider);
    REQUIRE(decision_bits(d) == decision_bits(expected));
    CHECK(d.late_fetched == d.in_band);
    n_in_band += d.in_band;
  }
  CHECK(n_in_band > 10);
  CHECK(provider.n_calls == n_in_band);
}

TEST_CASE("rows of another width and outputs that are too short are errors with the numbers") {
  const TempDir dir;
  const Engine engine(small_bundle(dir / "b", 17));
  const std::size_t n_columns = engine.bundle().schema.size();
  const std::vector<double> narrow(n_columns - 1);
  const std::string width = "a row has " + std::to_string(n_columns) + " columns in this bundle's schema, not " +
                            std::to_string(n_columns - 1);
  CHECK_THROWS_WITH(engine.decide(narrow), Catch::Contains(width));
  std::vector<Decision> few(1), two(2);
  CHECK_THROWS_WITH(engine.decide_batch(Table(n_columns - 1, 2).view(), two), Catch::Contains(width));
  const Table rows = small_rows(engine.bundle().schema, 2, 1);
  CHECK_THROWS_WITH(engine.decide_batch(rows.view(), few),
                    Catch::Contains("the output has room for 1 decisions, the batch has 2 rows"));
  const std::int64_t times[] = {1};
  CHECK_THROWS_WITH(engine.decide_batch(rows.view(), two, nullptr, times), Catch::Contains("2 rows and 1 times"));
}

TEST_CASE("timings are measured on every path if they are enabled, and NaN otherwise") {
  const TempDir dir;
  const auto whole = copy_of(small_bundle(dir / "b", 5, {.with_rules = true}));
  whole->policy = policy_with_band(Band{0, 1, true});
  const Table rows = small_rows(whole->schema, 50, 9);
  const Engine timed(whole, {.timings = true}), untimed(whole);
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const TimingsUs us = timed.decide(rows.row(i)).timings_us, none = untimed.decide(rows.row(i)).timings_us;
    const Decision d = timed.decide(rows.row(i));
    CHECK(us.total > 0);
    CHECK(std::isnan(us.forest) == !d.forest.ran);
    if (d.forest.ran) CHECK(us.total >= us.forest);
    if (d.network.ran) CHECK(us.total >= us.forest + us.network);
    CHECK((std::isnan(none.total) && std::isnan(none.forest) && std::isnan(none.network)));
  }
}

}  // namespace sluice::test
