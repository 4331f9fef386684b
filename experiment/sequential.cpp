#include "sluice/experiment/sequential.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice::experiment {

void RunningMean::add(double x, double reach) {
  const double from_mean = x - mean_;
  farthest_ = std::max({farthest_, reach, n_ > 0 ? std::abs(from_mean) : 0});
  mean_ += from_mean / static_cast<double>(++n_);
  squares_ += from_mean * (x - mean_);
}

double RunningMean::variance() const { return (squares_ + 3 * farthest_ * farthest_) / static_cast<double>(n_); }

ConfidenceSequence::ConfidenceSequence(double alpha, double tuned_for) : alpha_(alpha) {
  if (!(alpha > 0 && alpha < 1 && tuned_for >= 1 && std::isfinite(tuned_for)))
    throw Error(
        "experiment.alpha",
        "alpha " + number_text(alpha) + " tuned for " + number_text(tuned_for) + " observations gives no interval",
        "alpha must be between 0 and 1, the number of observations at least 1");
  // The width is smallest if n rho² = x solves x = ln((x + 1) / alpha²); the iteration is a contraction.
  double x = 1;
  for (int i = 0; i < 200; ++i) x = std::log((x + 1) / (alpha * alpha));
  rho_squared_ = x / tuned_for;
}

double ConfidenceSequence::half_width(double n) const {
  const double x = n * rho_squared_;
  return std::sqrt(2 * (x + 1) / (n * x) * std::log(std::sqrt(x + 1) / alpha_));
}

Estimate ConfidenceSequence::of(const RunningMean& mean) const {
  Estimate estimate{.n = mean.n()};
  if (mean.n() == 0) return estimate;
  estimate.value = mean.mean();
  if (mean.n() < kMin) return estimate;
  const double half = std::sqrt(mean.variance()) * half_width(static_cast<double>(mean.n()));
  estimate.low = estimate.value - half;
  estimate.high = estimate.value + half;
  return estimate;
}

Estimate ConfidenceSequence::of(const ArmDifference& difference) const {
  Estimate estimate = of(difference.weighted_effects());
  if (estimate.n == 0) return estimate;
  if (difference.n_smaller() < kMin) estimate.low = estimate.high = Estimate::kNone;
  for (double* figure : {&estimate.value, &estimate.low, &estimate.high}) *figure /= difference.mean_weight();
  return estimate;
}

void ArmDifference::add(bool is_challenger, double p, double outcome) {
  if (!(p > 0 && p < 1)) return;
  RunningMean& own = is_challenger ? challenger_ : champion_;
  if (champion_.n() > 0 && challenger_.n() > 0) {
    // p (1 - p) times (difference so far ± surprise / probability of this arm).
    const double weight = p * (1 - p), surprise = outcome - own.mean();
    weighted_effects_.add(
        weight * (challenger_.mean() - champion_.mean()) + (is_challenger ? (1 - p) * surprise : -p * surprise),
        reach_ * std::max(p, 1 - p));
    weights_ += weight;
  }
  own.add(outcome);
}

void SampleRatioTest::add(std::size_t arm, std::size_t step, std::span<const std::int64_t> shares) {
  Counts& counts = steps_[step];
  counts.of_arm.resize(shares.size());
  std::int64_t whole = 0;
  double n_arms = 0;
  for (const std::int64_t share : shares) {
    whole += share;
    n_arms += share > 0;
  }
  const double foreseen = (1 + static_cast<double>(counts.of_arm[arm])) / (n_arms + static_cast<double>(counts.n));
  log_bayes_factor_ += std::log(foreseen * static_cast<double>(whole) / static_cast<double>(shares[arm]));
  max_ = std::max(max_, log_bayes_factor_);
  ++counts.of_arm[arm];
  ++counts.n;
}

double SampleRatioTest::p_value() const { return std::exp(-max_); }

}  // namespace sluice::experiment
