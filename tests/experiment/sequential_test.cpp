// Intervals and tests that stay valid if they are read after every observation: simulated with a reading after each.
#include "sluice/experiment/sequential.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "sluice/base/random.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace experiment;

namespace {

constexpr double kAlpha = 0.05;
constexpr int kRuns = 600, kSteps = 4000;

bool misses(const Estimate& e, double truth) {
  return e.low > truth || e.high < truth;
}  // never if there is no interval

struct Misses {
  double sequence = 0, fixed = 0;  // share of runs in which at least one reading misses the truth
};

/// Misses of the mean of `draw`, whose expectation is `truth`. `fixed` is the interval for a single reading.
Misses misses_of_mean(double reach, double truth, const std::function<double(Random&)>& draw) {
  const ConfidenceSequence sequence(kAlpha, 1000);
  Misses out;
  for (int run = 0; run < kRuns; ++run) {
    Random random(901, static_cast<std::uint64_t>(run));
    RunningMean mean(reach);
    bool sequence_missed = false, fixed_missed = false;
    double squares = 0;
    for (int n = 1; n <= kSteps; ++n) {
      const double x = draw(random);
      mean.add(x);
      squares += x * x;
      sequence_missed = sequence_missed || misses(sequence.of(mean), truth);
      const double error = std::sqrt(std::max(0.0, squares / n - mean.mean() * mean.mean()) / n);
      fixed_missed = fixed_missed || (n >= 100 && std::abs(mean.mean() - truth) > 1.96 * error);
    }
    out.sequence += sequence_missed / static_cast<double>(kRuns);
    out.fixed += fixed_missed / static_cast<double>(kRuns);
  }
  return out;
}

/// One week of a ramp: the challenger's share, and the drift of the outcome in this week.
struct Week {
  double p, drift;
};
constexpr Week kWeeks[] = {{0.05, 0}, {0.2, 0.3}, {0.5, 1}, {0.8, 2}};

}  // namespace

TEST_CASE("a mean's interval, read after every observation, misses in at most alpha of all runs") {
  const auto check = [](const char* name, const Misses& m) {
    CAPTURE(name, m.sequence, m.fixed);
    CHECK(m.sequence <= kAlpha);
    CHECK(m.fixed > 2 * kAlpha);  // the error of an interval for a single reading
  };
  check("coin", misses_of_mean(1, 0.5, [](Random& r) { return r.uniform() < 0.5; }));
  check("a share of 2 %", misses_of_mean(1, 0.02, [](Random& r) { return r.uniform() < 0.02; }));
  check("a share of 0.5 %", misses_of_mean(1, 0.005, [](Random& r) { return r.uniform() < 0.005; }));
  check("frequent small costs and rare large ones", misses_of_mean(10, 0.13, [](Random& r) {
          const double u = r.uniform();
          return u < 0.01 ? 10 : u < 0.31 ? 0.1 : 0;
        }));
  check("losses of one in a hundred by skewed amounts",
        misses_of_mean(std::exp(2), 0.01 * std::exp(0.5), [](Random& r) {
          return r.uniform() < 0.01 ? std::exp(r.normal()) : 0;  // exp(2) is OutcomeLabels::large_amount of these
        }));
  check("normal", misses_of_mean(0, 3, [](Random& r) { return 3 + r.normal(); }));
  check("exponential", misses_of_mean(0, 1, [](Random& r) { return -std::log(1 - r.uniform()); }));
}

TEST_CASE("the interval equals the paper's and is narrowest at the tuned number of observations") {
  for (const double alpha : {0.01, 0.05, 0.2})
    for (const double n : {100.0, 1000.0, 1e6}) {
      CAPTURE(alpha, n);
      const double own = ConfidenceSequence(alpha, n).half_width(n);
      for (const double other : {0.5, 0.9, 1.1, 2.0}) CHECK(own < ConfidenceSequence(alpha, other * n).half_width(n));
      // Theorem 2.2 with the paper's closed form for rho, which is nearly optimal.
      const double rho2 = (-2 * std::log(alpha) + std::log(-2 * std::log(alpha) + 1)) / n, m = n * rho2 + 1;
      const double theirs = std::sqrt(2 * m / (n * n * rho2) * std::log(std::sqrt(m) / alpha));
      CHECK(own <= theirs * (1 + 1e-12));
      CHECK(own == Approx(theirs).epsilon(0.01));
    }
}

TEST_CASE("there is no interval below 100 observations, and 100 equal ones give no certainty") {
  const ConfidenceSequence sequence(kAlpha, 1000);
  RunningMean mean(1);
  CHECK(std::isnan(sequence.of(mean).value));
  for (int n = 1; n <= 100; ++n) {
    CHECK(std::isnan(sequence.of(mean).low));
    mean.add(0);
  }
  CHECK(sequence.of(mean).value == 0);
  CHECK(sequence.of(mean).high > 0.02);
  for (const auto& [alpha, tuned_for] : {std::pair{0.0, 10.0}, {1.0, 10.0}, {NAN, 10.0}, {0.05, 0.0}, {0.05, INFINITY}})
    CHECK(code_of([&, a = alpha, t = tuned_for] { ConfidenceSequence(a, t); }) == "experiment.alpha");
}

TEST_CASE("mean and variance equal those of two passes, with three more observations at the largest distance") {
  for (const double offset : {0.0, 1e6}) {
    Random random(3);
    RunningMean running(10);
    std::vector<double> values;
    double mean = 0, squares = 0;
    for (int n = 0; n < 1000; ++n) {
      values.push_back(offset + random.normal());
      running.add(values.back());
    }
    for (const double x : values) mean += x / 1000;
    for (const double x : values) squares += (x - mean) * (x - mean);
    CHECK(running.mean() == Approx(mean).epsilon(1e-12).margin(1e-12));
    CHECK(running.variance() == Approx((squares + 3 * 10 * 10) / 1000).epsilon(1e-9));
  }
}

TEST_CASE("A/A through a ramp with drifting outcomes gives false alarms in at most alpha of all runs") {
  const ConfidenceSequence sequence(kAlpha, 1000);
  const auto check = [&](double reach, const std::function<double(Random&, double)>& draw) {
    int n_alarms = 0, n_plain = 0;
    for (int run = 0; run < kRuns; ++run) {
      Random random(17, static_cast<std::uint64_t>(run));
      ArmDifference difference(reach);
      RunningMean plain[2];
      bool alarmed = false;
      for (int n = 0; n < kSteps; ++n) {
        const Week& week = kWeeks[4 * n / kSteps];
        const bool is_challenger = random.uniform() < week.p;
        const double outcome = draw(random, week.drift);
        difference.add(is_challenger, week.p, outcome);
        plain[is_challenger].add(outcome);
        alarmed = alarmed || misses(sequence.of(difference), 0);
      }
      n_alarms += alarmed;
      n_plain += sequence.of(plain[1]).low > sequence.of(plain[0]).high;
    }
    CAPTURE(reach, n_alarms, n_plain);
    CHECK(n_alarms <= kAlpha * kRuns);
    CHECK(n_plain > kRuns / 2);  // plain means compare weeks instead of arms
  };
  check(0, [](Random& r, double drift) { return drift + r.normal(); });
  check(1, [](Random& r, double drift) { return r.uniform() < 0.02 + drift / 5; });
}

TEST_CASE("a real difference is found, and covered at all times in 1 - alpha of all runs") {
  const ConfidenceSequence sequence(kAlpha, 1000);
  constexpr double kEffect = 0.3;
  int n_missed = 0, n_found = 0;
  for (int run = 0; run < kRuns; ++run) {
    Random random(29, static_cast<std::uint64_t>(run));
    ArmDifference difference;
    bool missed = false;
    for (int n = 0; n < kSteps; ++n) {
      const double p = kWeeks[4 * n / kSteps].p;
      const bool is_challenger = random.uniform() < p;
      difference.add(is_challenger, p, 5 + (is_challenger ? kEffect : 0) + random.normal());
      missed = missed || misses(sequence.of(difference), kEffect);
    }
    n_missed += missed;
    n_found += sequence.of(difference).low > 0;
  }
  CAPTURE(n_missed, n_found);
  CHECK(n_missed <= kAlpha * kRuns);
  CHECK(n_found > 0.95 * kRuns);
}

TEST_CASE("an observation that only one arm could receive is ignored in a difference") {
  ArmDifference difference;
  difference.add(true, 1, 7);
  difference.add(false, 0, 7);
  difference.add(true, 0.5, 7);
  difference.add(true, 0.5, 9);
  CHECK(difference.weighted_effects().n() == 0);
}

TEST_CASE("the ratio test equals the running maximum of the Dirichlet-multinomial Bayes factor") {
  Random random(41);
  const std::vector<std::int64_t> shares = {7000, 2000, 1000};
  SampleRatioTest test;
  std::vector<double> counts(3, 0);
  double most = 0;
  for (int n = 1; n <= 500; ++n) {
    const double u = random.uniform();
    const std::size_t arm = u < 0.6 ? 0 : u < 0.85 ? 1 : 2;
    test.add(arm, 0, shares);
    ++counts[arm];
    // log of B(1 + counts) / B(1), divided by the probability of the counts under the shares.
    double log_factor = std::lgamma(3.0) - std::lgamma(3.0 + n);
    for (std::size_t a = 0; a < 3; ++a)
      log_factor += std::lgamma(1 + counts[a]) - counts[a] * std::log(static_cast<double>(shares[a]) / 10'000);
    most = std::max(most, log_factor);
    REQUIRE(test.p_value() == Approx(std::exp(-most)).epsilon(1e-9));
  }
  CHECK(test.p_value() < 0.05);
}

TEST_CASE("the ratio test fails in at most alpha of sound runs for any ramp, and finds lost records") {
  const std::vector<std::vector<std::int64_t>> steps = {{9900, 100, 0}, {9000, 1000, 0}, {5000, 3000, 2000}};
  int n_alarms = 0, n_found = 0;
  for (int run = 0; run < kRuns; ++run) {
    Random random(53, static_cast<std::uint64_t>(run));
    SampleRatioTest sound, losing;
    for (int n = 0; n < 6000; ++n) {
      const std::size_t step = static_cast<std::size_t>(n / 2000);
      const double u = random.uniform() * 10'000;
      const auto& shares = steps[step];
      const std::size_t arm = u < static_cast<double>(shares[0])               ? 0
                              : u < static_cast<double>(shares[0] + shares[1]) ? 1
                                                                               : 2;
      sound.add(arm, step, shares);
      if (arm != 1 || random.uniform() > 0.3)
        losing.add(arm, step, shares);  // three in ten records of one arm are lost
    }
    n_alarms += sound.p_value() < kAlpha;
    n_found += losing.p_value() < 0.01;
  }
  CAPTURE(n_alarms, n_found);
  CHECK(n_alarms <= kAlpha * kRuns);
  CHECK(n_found > 0.9 * kRuns);
}

}  // namespace sluice::test
