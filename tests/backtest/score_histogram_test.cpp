#include "sluice/backtest/score_histogram.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "sluice/base/metrics.h"
#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "support/catch.h"

namespace sluice::backtest {
namespace {

struct Sample {
  std::vector<double> p;
  std::vector<float> labels;

  ScoreHistogram histogram(std::size_t n_bins = ScoreHistogram::kFineBins) const {
    ScoreHistogram result(n_bins);
    for (std::size_t i = 0; i < p.size(); ++i) result.add(p[i], labels[i] > 0.5f);
    return result;
  }
};

/// Scores around `middle` with standard deviation `spread`, in log-odds; `n_values` > 0 makes ties.
Sample sample(Random& random, std::size_t n, double middle, double spread, std::uint64_t n_values) {
  Sample s;
  for (std::size_t i = 0; i < n; ++i) {
    const double step = n_values > 0
                            ? static_cast<double>(random.below(n_values)) / static_cast<double>(n_values) * 3 - 1.5
                            : random.normal();
    s.p.push_back(sigmoid(middle + spread * step));
    s.labels.push_back(random.uniform() < s.p.back() ? 1.0f : 0.0f);
  }
  s.labels[0] = 0;
  s.labels[1] = 1;
  return s;
}

/// Good and bad counts by score, highest first.
std::map<double, std::pair<double, double>, std::greater<>> by_score(const Sample& s) {
  std::map<double, std::pair<double, double>, std::greater<>> counts;
  for (std::size_t i = 0; i < s.p.size(); ++i) (s.labels[i] > 0.5f ? counts[s.p[i]].second : counts[s.p[i]].first) += 1;
  return counts;
}

double naive_ks(const Sample& s) {
  const double n_bad = static_cast<double>(std::count(s.labels.begin(), s.labels.end(), 1.0f)),
               n_good = static_cast<double>(s.p.size()) - n_bad;
  double good = 0, bad = 0, widest = 0;
  for (const auto& [p, n] : by_score(s)) {
    good += n.first, bad += n.second;
    widest = std::max(widest, std::abs(good / n_good - bad / n_bad));
  }
  return widest;
}

double naive_average_precision(const Sample& s) {
  const double n_bad = static_cast<double>(std::count(s.labels.begin(), s.labels.end(), 1.0f));
  double flagged = 0, caught = 0, area = 0;
  for (const auto& [p, n] : by_score(s)) {
    flagged += n.first + n.second, caught += n.second;
    area += n.second / n_bad * caught / flagged;
  }
  return area;
}

TEST_CASE("the histogram's AUC is within its bound of the exact AUC, and the bound is below 1e-4 for spread scores") {
  Random random(2);
  for (const std::uint64_t n_values : {0, 3, 50, 4000})
    for (const double middle : {-4.0, -1.0, 0.0, 2.0}) {
      const Sample s = sample(random, 20000, middle, 1.5, n_values);
      const ScoreHistogram histogram = s.histogram();
      CAPTURE(n_values, middle, histogram.auc_bound());
      REQUIRE(std::abs(histogram.auc() - auc(s.p, s.labels)) <= histogram.auc_bound() + 1e-12);
      REQUIRE(std::abs(histogram.auc() - auc(s.p, s.labels)) < 1e-4);
      if (n_values == 0) REQUIRE(histogram.auc_bound() < 1e-4);
      REQUIRE(histogram.ks() == Approx(naive_ks(s)).margin(1e-3));
      REQUIRE(histogram.pr_auc() == Approx(naive_average_precision(s)).margin(1e-3));
    }
}

TEST_CASE("the bound holds if all scores are in a few bins") {
  Random random(3);
  const Sample s = sample(random, 5000, 0, 0.0005, 0);
  const ScoreHistogram histogram = s.histogram();
  CHECK(histogram.auc_bound() > 0.01);
  CHECK(std::abs(histogram.auc() - auc(s.p, s.labels)) <= histogram.auc_bound());
}

TEST_CASE("probabilities of 0 and 1 are counted") {
  ScoreHistogram histogram;
  for (const bool is_bad : {false, true}) histogram.add(is_bad ? 1.0 : 0.0, is_bad);
  CHECK(histogram.auc() == 1);
  CHECK(histogram.ks() == 1);
  CHECK(histogram.pr_auc() == 1);
  CHECK(histogram.calibration_error(1) == Approx(0).margin(1e-9));
}

TEST_CASE("figures of four rows equal manual calculation") {
  // In descending order: bad 0.9, good 0.6, bad 0.6, good 0.2. Precision at the steps: 1/1, then 2/3.
  ScoreHistogram histogram;
  histogram.add(0.9, true), histogram.add(0.6, false), histogram.add(0.6, true), histogram.add(0.2, false);
  CHECK(histogram.pr_auc() == Approx(0.5 * 1 + 0.5 * 2 / 3.0));
  CHECK(histogram.ks() == Approx(0.5));
  CHECK(histogram.auc() == Approx(3.5 / 4));
  const auto roc = histogram.roc();
  REQUIRE(roc.size() == 4);
  CHECK(roc[1].true_positive_rate == 0.5);
  CHECK(roc[1].false_positive_rate == 0);
  CHECK(roc[2].true_positive_rate == 1);
  CHECK(roc[2].false_positive_rate == 0.5);
}

TEST_CASE("the area under the ROC curve is the AUC") {
  Random random(4);
  const Sample s = sample(random, 30000, -1, 1, 0);
  const auto histogram = s.histogram();
  const auto roc = histogram.roc(400);
  CHECK(roc.size() <= 402);
  double area = 0;
  for (std::size_t i = 1; i < roc.size(); ++i)
    area += (roc[i].false_positive_rate - roc[i - 1].false_positive_rate) *
            (roc[i].true_positive_rate + roc[i - 1].true_positive_rate) / 2;
  CHECK(area == Approx(histogram.auc()).margin(2e-3));
}

TEST_CASE("calibration bins have equal counts and give the exact error") {
  Random random(5);
  for (const std::size_t n : {40, 1001, 20000}) {
    const Sample s = sample(random, n, -1, 1.2, 0);
    const auto histogram = s.histogram();
    const auto bins = histogram.calibration(20);
    REQUIRE(bins.size() == 20);
    double rows = 0, p = 0;
    for (const auto& bin : bins) {
      CHECK(bin.n_rows == Approx(static_cast<double>(n) / 20));
      rows += bin.n_rows, p += bin.n_rows * bin.mean_p;
    }
    CHECK(rows == Approx(static_cast<double>(n)));
    double exact_p = 0;
    for (const double x : s.p) exact_p += x;
    CHECK(p == Approx(exact_p).epsilon(1e-8));
    if (n % 20 == 0) CHECK(histogram.calibration_error() == Approx(calibration_error(s.p, s.labels)).margin(2e-4));
  }
}

TEST_CASE("one class has no ranking figures, and no rows have no figures") {
  ScoreHistogram histogram;
  CHECK(std::isnan(histogram.calibration_error()));
  histogram.add(0.3, false);
  CHECK(std::isnan(histogram.auc()));
  CHECK(std::isnan(histogram.ks()));
  CHECK(std::isnan(histogram.pr_auc()));
  CHECK(histogram.roc().empty());
  CHECK(histogram.calibration_error() == Approx(0.3));
}

TEST_CASE("PSI equals manual calculation: equal deciles compared with all rows in the last one") {
  ScoreHistogram expected(ScoreHistogram::kSliceBins), actual(ScoreHistogram::kSliceBins);
  for (int decile = 0; decile < 10; ++decile)
    for (int i = 0; i < 10; ++i) expected.add(0.05 + 0.1 * decile, false);
  for (int i = 0; i < 100; ++i) actual.add(0.95, false);
  const double e = 10.5 / 105, empty = 0.5 / 105, full = 100.5 / 105;
  CHECK(population_stability_index(expected, actual) ==
        Approx(9 * (empty - e) * std::log(empty / e) + (full - e) * std::log(full / e)));
  CHECK(population_stability_index(expected, expected) == 0);
  CHECK(std::isnan(population_stability_index(expected, ScoreHistogram(ScoreHistogram::kSliceBins))));
}

TEST_CASE("merged histograms equal one histogram of all rows") {
  Random random(6);
  const Sample s = sample(random, 3000, -2, 1, 0);
  ScoreHistogram parts[3], merged;
  for (std::size_t i = 0; i < s.p.size(); ++i) parts[random.below(3)].add(s.p[i], s.labels[i] > 0.5f);
  for (const int part : {2, 0, 1}) merged.merge(parts[part]);
  const auto whole = s.histogram();
  REQUIRE(merged.bins().size() == whole.bins().size());
  for (std::size_t b = 0; b < whole.bins().size(); ++b) {
    const auto &x = merged.bins()[b], &y = whole.bins()[b];
    REQUIRE((x.good == y.good && x.bad == y.bad && x.p_sum == y.p_sum));
  }
  CHECK(merged.auc() == whole.auc());
}

}  // namespace
}  // namespace sluice::backtest
