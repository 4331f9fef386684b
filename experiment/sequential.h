#pragma once
/// Figures of a stream that stay valid if they are read after every observation (docs/experiments.md).
///
/// Intervals: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence
/// sequences (Annals of Statistics 52, 2024). Ratio test: Lindon, Malek: Anytime-Valid Inference for Multinomial Count
/// Data (NeurIPS 2022).
/// Thread-safety: one thread at a time per object; a ConfidenceSequence is immutable and can be shared.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace sluice::experiment {

/// Mean and variance of the observations, in one pass (Welford, 1962).
class RunningMean {
 public:
  /// `reach` is the largest possible distance of an observation from the mean, if known in advance; 1 for shares.
  explicit RunningMean(double reach = 0) : farthest_(reach) {}

  void add(double x, double reach = 0);
  std::uint64_t n() const { return n_; }
  double mean() const { return mean_; }
  /// Includes three additional observations at the largest observed or possible distance from the mean, so that a few
  /// equal outcomes give no certainty and rare large ones are anticipated.
  double variance() const;

 private:
  std::uint64_t n_ = 0;
  double mean_ = 0, squares_ = 0, farthest_;
};

/// A mean and its interval; NaN if there is none.
struct Estimate {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t n = 0;  // number of observations
  double value = kNone, low = kNone, high = kNone;
};

/// The difference of two arms' mean outcomes if each observation's probability of either arm is known; it may change
/// from one observation to the next. Each observation gives an unbiased estimate of the effect, weighted by p (1 - p),
/// its information. Effects begin when both arms have an outcome.
class ArmDifference {
 public:
  /// `reach` is the largest outcome minus the smallest, if known in advance.
  explicit ArmDifference(double reach = 0) : reach_(reach) {}

  /// `p` is the probability that this observation was assigned to the challenger. If p is 0 or 1, it has no information
  /// on the difference and is ignored.
  void add(bool is_challenger, double p, double outcome);
  const RunningMean& weighted_effects() const { return weighted_effects_; }
  std::uint64_t n_smaller() const {
    return std::min(champion_.n(), challenger_.n());
  }  // observations of the smaller arm
  double mean_weight() const { return weights_ / static_cast<double>(weighted_effects_.n()); }

 private:
  double reach_, weights_ = 0;
  RunningMean champion_, challenger_, weighted_effects_;
};

/// Asymptotic confidence sequence: with probability 1 - alpha, the mean is in the intervals at all n >= kMin
/// simultaneously, for any distribution of the observations with finite variance and any times of reading.
class ConfidenceSequence {
 public:
  static constexpr std::uint64_t kMin = 100;  // with fewer observations there is no interval

  /// `tuned_for` is the number of observations at which the interval is narrowest.
  /// Throws Error{experiment.alpha} unless 0 < alpha < 1 and tuned_for >= 1.
  ConfidenceSequence(double alpha, double tuned_for);

  Estimate of(const RunningMean& mean) const;
  /// The challenger's mean outcome minus the champion's; an interval needs kMin observations of each arm.
  Estimate of(const ArmDifference& difference) const;
  /// Half the interval's width for observations of variance 1.
  double half_width(double n) const;

 private:
  double alpha_, rho_squared_;
};

/// Tests whether the arms receive their planned shares of observations. If they do, the probability that p_value() is
/// ever alpha or less is at most alpha.
class SampleRatioTest {
 public:
  /// Adds one observation of `arm`. `shares` are in any unit and must be the same for all observations of one `step`;
  /// shares[arm] must not be 0.
  void add(std::size_t arm, std::size_t step, std::span<const std::int64_t> shares);
  double p_value() const;

 private:
  struct Counts {
    std::vector<std::uint64_t> of_arm;
    std::uint64_t n = 0;
  };
  std::map<std::size_t, Counts> steps_;
  double log_bayes_factor_ = 0, max_ = 0;
};

}  // namespace sluice::experiment
