#pragma once
/// Exact metrics of scored rows that fit in memory. Labels are 0 or 1, one per row; a higher score means more likely 1.
/// Every metric is NaN without rows.
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <span>

namespace sluice {

/// Area under the ROC curve: the share of (bad, good) pairs ranked correctly; ties count half. NaN if a class is absent
/// or a score is NaN.
double auc(std::span<const double> scores, std::span<const float> labels);

/// Mean negative log-likelihood (natural logarithm) of probabilities, clamped to [1e-15, 1 - 1e-15].
double log_loss(std::span<const double> p, std::span<const float> labels);

/// Mean squared error of probabilities (Brier, 1950).
double brier(std::span<const double> p, std::span<const float> labels);

/// Expected calibration error: over `n_bins` bins of equal count, the mean of |mean p - bad rate|, weighted by count.
double calibration_error(std::span<const double> p, std::span<const float> labels, std::size_t n_bins = 20);

}  // namespace sluice
