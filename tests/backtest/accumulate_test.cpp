#include "sluice/backtest/accumulate.h"

#include <algorithm>

#include "sluice/base/metrics.h"
#include "sluice/base/random.h"
#include "support/catch.h"

namespace sluice::backtest {
namespace {

std::vector<ScoredRow> random_rows(std::size_t n, Random& random) {
  const auto verdict = [&] {
    return Verdict{random.below(20) == 0 ? std::nan("") : random.uniform(), static_cast<Action>(1 + random.below(3))};
  };
  std::vector<ScoredRow> rows(n);
  for (ScoredRow& row : rows) {
    row.is_bad = random.below(5) == 0;
    row.in_band = random.below(3) == 0;
    row.forwarded = row.in_band && random.below(4) > 0;
    row.level = static_cast<cascade::Level>(random.below(4));
    row.cascade = verdict(), row.forest = verdict(), row.network = verdict(), row.without_rules = verdict(),
    row.challenger = verdict();
    for (auto& degraded : row.degraded) degraded = verdict();
  }
  return rows;
}

bool same(const Tally& a, const Tally& b) {
  const auto same_bin = [](const auto& x, const auto& y) {
    return x.good == y.good && x.bad == y.bad && x.p_sum == y.p_sum;
  };
  return a.actions.n == b.actions.n && a.log_loss.value() == b.log_loss.value() &&
         a.squared_error.value() == b.squared_error.value() &&
         std::equal(a.scores.bins().begin(), a.scores.bins().end(), b.scores.bins().begin(), b.scores.bins().end(),
                    same_bin);
}

TEST_CASE("an exact sum has the same bits for any order and any partial sums") {
  Random random(1);
  std::vector<double> terms = {0, 34.5, 1e-19, 0x1p-64, 2e9};
  for (int i = 0; i < 2000; ++i) terms.push_back(-std::log(1 - random.uniform()));
  ExactSum in_order;
  long double plain = 0;
  for (const double x : terms) in_order.add(x), plain += x;
  CHECK(in_order.value() == Approx(static_cast<double>(plain)).epsilon(1e-15));
  for (int round = 0; round < 20; ++round) {
    random.shuffle(terms);
    ExactSum parts[4];
    for (const double x : terms) parts[random.below(4)].add(x);
    ExactSum merged;
    for (const int part : {3, 1, 0, 2}) merged.merge(parts[part]);
    REQUIRE(merged.value() == in_order.value());
  }
}

TEST_CASE("the cost of counts equals the sum of the rows' costs") {
  Random random(2);
  const auto rows = random_rows(500, random);
  for (const auto& costs : {cascade::Costs{2, 7, 0.5, 0}, cascade::Costs{1, 25, std::nullopt, 0}}) {
    ActionCounts counts;
    double expected = 0;
    for (const auto& row : rows) {
      counts.add(row.cascade.action, row.is_bad);
      switch (row.cascade.action) {
        case Action::approve:
          expected += row.is_bad ? costs.false_negative : 0;
          break;
        case Action::decline:
          expected += row.is_bad ? 0 : costs.false_positive;
          break;
        default:
          expected += costs.review ? *costs.review : row.is_bad ? 0 : costs.false_positive;
      }
    }
    CHECK(counts.cost(costs) == Approx(expected));
    CHECK(counts.rows() == rows.size());
  }
}

TEST_CASE("partial results of any split, merged in any order, equal one pass") {
  Random random(3);
  const auto rows = random_rows(800, random);
  const std::vector<std::string> names = {"a", "b", "c"};
  Accumulator whole(1);
  for (std::size_t i = 0; i < rows.size(); ++i) whole.add(rows[i], {names[i % 3]});
  for (int round = 0; round < 3; ++round) {
    std::vector<Accumulator> parts(3, Accumulator(1));
    for (std::size_t i = 0; i < rows.size(); ++i) parts[random.below(3)].add(rows[i], {names[i % 3]});
    Accumulator merged(1);
    for (const auto part : {1, 2, 0}) merged.merge(parts[static_cast<std::size_t>(part)]);
    for (const auto tally :
         {&Accumulator::cascade, &Accumulator::forest, &Accumulator::network, &Accumulator::without_rules,
          &Accumulator::band_forest, &Accumulator::band_network, &Accumulator::challenger})
      REQUIRE(same(merged.*tally, whole.*tally));
    for (std::size_t l = 0; l < 3; ++l) REQUIRE(same(merged.degraded[l], whole.degraded[l]));
    REQUIRE(merged.flips.n == whole.flips.n);
    REQUIRE(merged.swaps.n == whole.swaps.n);
    REQUIRE(merged.n_by_level == whole.n_by_level);
    REQUIRE(merged.n_forwarded == whole.n_forwarded);
    REQUIRE(merged.n_in_band == whole.n_in_band);
    for (const auto& name : names) {
      REQUIRE(merged.slices[0].at(name).scores.auc() == whole.slices[0].at(name).scores.auc());
      REQUIRE(merged.slices[0].at(name).actions.n == whole.slices[0].at(name).actions.n);
    }
  }
}

TEST_CASE("log-loss and Brier score equal those of metrics.h") {
  Random random(4);
  Tally tally;
  std::vector<double> p = {0, 1, 1};
  std::vector<float> labels = {0, 1, 0};
  for (int i = 0; i < 1000; ++i)
    p.push_back(random.uniform()), labels.push_back(random.uniform() < p.back() ? 1.0f : 0.0f);
  for (std::size_t i = 0; i < p.size(); ++i) tally.add({p[i], Action::approve}, labels[i] > 0.5f);
  const auto n = static_cast<double>(p.size());
  CHECK(tally.log_loss.value() / n == Approx(log_loss(p, labels)).epsilon(1e-12));
  CHECK(tally.squared_error.value() / n == Approx(brier(p, labels)).epsilon(1e-12));
}

TEST_CASE("the size does not grow with the rows: slices beyond kMaxSlices are combined") {
  Random random(5);
  const auto rows = random_rows(3000, random);
  Accumulator totals(1);
  for (std::size_t i = 0; i < rows.size(); ++i) totals.add(rows[i], {std::to_string(i)});
  CHECK(totals.slices[0].size() == kMaxSlices + 1);
  CHECK(totals.slices[0].at(kOtherSlice).actions.rows() == rows.size() - kMaxSlices);
  CHECK(totals.slices[0].at("0").actions.rows() == 1);
  CHECK(totals.cascade.scores.bins().size() == ScoreHistogram::kFineBins);
  for (const auto& [name, slice] : totals.slices[0]) CHECK(slice.scores.bins().size() <= ScoreHistogram::kSliceBins);
}

}  // namespace
}  // namespace sluice::backtest
