#pragma once
/// Figures of a stream that may be looked at after every observation, as often as one likes (docs/experiments.md).
///
/// Plain values; not thread-safe. Intervals: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit
/// theory and asymptotic confidence sequences (Annals of Statistics 52, 2024). Ratio test: Lindon, Malek: Anytime-Valid
/// Inference for Multinomial Count Data (NeurIPS 2022).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace sluice::audit {

/// Mean and variance of what was added, in one pass (Welford, 1962).
class RunningMean {
 public:
  /// `reach`: how far from the mean an observation may lie, where that is known beforehand; 1 for shares.
  explicit RunningMean(double reach = 0) : farthest_(reach) {}

  void add(double x, double reach = 0);
  std::uint64_t n() const { return n_; }
  double mean() const { return mean_; }
  /// With three observations more, as far from the mean as the farthest that was seen or may come: a few equal outcomes
  /// are no certainty, and rare large ones are reckoned with before they come.
  double variance() const;

 private:
  std::uint64_t n_ = 0;
  double mean_ = 0, squares_ = 0, farthest_;
};

/// A mean and its interval; NaN where there is none.
struct Estimate {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t n = 0;  // observations
  double value = kNone, low = kNone, high = kNone;
};

/// The difference of two arms' mean outcomes where each observation's chance of either arm is known, and may change
/// from one to the next. Each observation has an unbiased effect, weighted by p (1 - p), which is how much it tells.
/// Effects begin when both arms have an outcome.
class ArmDifference {
 public:
  /// `reach`: between the least and the largest outcome, where that is known beforehand.
  explicit ArmDifference(double reach = 0) : reach_(reach) {}

  /// `p`: the probability with which this observation came to the challenger. One with p of 0 or 1 says nothing of a
  /// difference and is left out.
  void add(bool is_challenger, double p, double outcome);
  const RunningMean& weighted_effects() const { return weighted_effects_; }
  std::uint64_t n_smaller() const { return std::min(champion_.n(), challenger_.n()); }  // observations of that arm
  double mean_weight() const { return weights_ / static_cast<double>(weighted_effects_.n()); }

 private:
  double reach_, weights_ = 0;
  RunningMean champion_, challenger_, weighted_effects_;
};

/// Asymptotic confidence sequence: with probability 1 - alpha, the mean lies in the intervals at all n >= kMin at
/// once, whatever the distribution of the observations (finite variance) and whenever one looks.
class ConfidenceSequence {
 public:
  static constexpr std::uint64_t kMin = 100;  // observations, below which no interval is given

  /// `tuned_for`: the number of observations at which the interval is narrowest.
  /// Throws Error{experiment.alpha} unless 0 < alpha < 1 and tuned_for >= 1.
  ConfidenceSequence(double alpha, double tuned_for);

  Estimate of(const RunningMean& mean) const;
  /// The challenger's mean outcome less the champion's; each arm needs kMin for an interval.
  Estimate of(const ArmDifference& difference) const;
  /// Half the interval's width for observations of variance 1.
  double half_width(double n) const;

 private:
  double alpha_, rho_squared_;
};

/// Whether observations come to the arms by the shares that they should: p_value() is at most alpha, at any time, with
/// probability alpha at most where they do.
class SampleRatioTest {
 public:
  /// One observation of `arm`. `shares` are in any unit and hold for all observations of one `step`; shares[arm] is
  /// not 0.
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

}  // namespace sluice::audit
