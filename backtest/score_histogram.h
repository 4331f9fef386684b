#pragma once
/// Ranking and calibration of any number of scored rows in fixed memory: counts of good and bad rows in bins of equal
/// width in log-odds.
///
/// Bins split ln(p / (1 - p)) from -16 to 16; values outside are in the first or the last bin. Rows in one bin count as
/// tied. All state is integers: partial results merge in any order to the same bits.
/// Thread-safety: one thread at a time may change a histogram; const calls are thread-safe.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::backtest {

struct RocPoint {
  double false_positive_rate = 0, true_positive_rate = 0;
};

/// One bin of a calibration plot.
struct CalibrationBin {
  double mean_p = 0, bad_rate = 0;
  double n_rows = 0;  // not whole if an edge of the plot's bins is inside a bin of the histogram
};

class ScoreHistogram {
 public:
  static constexpr std::size_t kFineBins = 65536;  // 1.5 MiB, allocated with the first row
  static constexpr std::size_t kSliceBins = 4096;  // 96 KiB
  static constexpr double kLogitRange = 16;

  struct Bin {
    std::uint64_t good = 0, bad = 0;
    std::uint64_t p_sum = 0;  // in units of 2^-32

    std::uint64_t n_rows() const { return good + bad; }
  };

  explicit ScoreHistogram(std::size_t n_bins = kFineBins) : n_bins_(n_bins) {}

  /// `p` must be in [0, 1].
  void add(double p, bool is_bad);
  /// Precondition: `other` has the same number of bins.
  void merge(const ScoreHistogram& other);

  std::uint64_t n_rows() const { return n_good_ + n_bad_; }
  std::uint64_t n_good() const { return n_good_; }
  std::uint64_t n_bad() const { return n_bad_; }
  const std::vector<Bin>& bins() const { return bins_; }  // empty before the first row
  double logit_at(std::size_t edge) const;                // log-odds at the lower edge of bin `edge`; edge <= n_bins

  // All of these are NaN or empty if the rows do not have both classes (calibration: if there are no rows).

  /// Area under the ROC curve; ties count half. It differs from the exact area by at most auc_bound().
  double auc() const;
  /// Half the share of (bad, good) pairs that are in the same bin. Below 1e-4 with 65,536 bins and scores spread over a
  /// few units of log-odds.
  double auc_bound() const;
  /// Kolmogorov–Smirnov distance between the scores of good and bad rows.
  double ks() const;
  /// Average precision: the sum over descending thresholds of precision times the step in recall.
  double pr_auc() const;
  /// The ROC curve in at most about `n_points` points, from (0, 0) to (1, 1).
  std::vector<RocPoint> roc(std::size_t n_points = 200) const;

  /// `n` bins of equal count; a histogram bin that contains an edge is split in proportion.
  std::vector<CalibrationBin> calibration(std::size_t n = 20) const;
  /// Mean of |mean p - bad rate| over these bins, weighted by count.
  double calibration_error(std::size_t n = 20) const;

 private:
  std::size_t bin_of(double p) const;

  std::size_t n_bins_;
  std::vector<Bin> bins_;
  std::uint64_t n_good_ = 0, n_bad_ = 0;
};

/// Population stability index of `actual` compared with `expected`: sum of (a - e) ln(a / e) over ten bins between the
/// deciles of `expected` (at edges of the histogram), with half a row added to every count. NaN if either is empty.
/// Precondition: both have the same number of bins.
double population_stability_index(const ScoreHistogram& expected, const ScoreHistogram& actual);

}  // namespace sluice::backtest
