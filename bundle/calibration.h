#pragma once
/// Turns a margin into a probability: sigmoid(slope · margin + intercept) (Platt, 1999). Monotone for slope > 0.
///
/// Thread-safety: the functions are pure; values that do not change can be shared between threads.

#include <span>
#include <string>
#include <string_view>

namespace sluice::cascade {

struct Platt {
  double slope = 1, intercept = 0;

  double probability(float margin) const;  // 0 to 1
};

struct Calibration {
  Platt forest, network;

  std::string to_json() const;
  /// Throws Error{calibration.*} with every fault. A slope below 1e-9 is one: it would reverse the ranking.
  static Calibration from_json(std::string_view json, std::string_view source);
};

/// Fits by maximum likelihood (Newton's method) on Platt's smoothed targets. `labels` are 0 or 1, one per margin.
/// Returns the identity if only one class occurs or the fitted slope is not positive.
Platt fit_platt(std::span<const float> margins, std::span<const float> labels);

}  // namespace sluice::cascade
