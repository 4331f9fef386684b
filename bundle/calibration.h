#pragma once
/// From a stage's margin to a probability: sigmoid(slope · margin + intercept) (Platt, 1999), monotone for slope > 0.

#include <span>
#include <string>
#include <string_view>

namespace sluice::cascade {

struct Platt {
  double slope = 1, intercept = 0;

  double probability(float margin) const;
};

struct Calibration {
  Platt forest, network;

  std::string to_json() const;
  /// Throws Error{calibration.*}: a slope that is not positive would turn the ranking around.
  static Calibration from_json(std::string_view json, std::string_view source);
};

/// Maximum likelihood by Newton's method, on Platt's smoothed targets. Identity where there are no two classes or the
/// fit does not ascend.
Platt fit_platt(std::span<const float> margins, std::span<const float> labels);

}  // namespace sluice::cascade
