#pragma once
/// The factor that keeps small gradients above float16's smallest number (Micikevicius et al., ICLR 2018). Not
/// installed.

#include <cstddef>

namespace sluice::dnn {

/// A step whose gradients overflowed halves the factor and is skipped; 2,000 good steps in a row double it.
struct LossScale {
  static constexpr double kMax = 16777216;  // 2^24
  static constexpr std::size_t kGoodSteps = 2000;

  double factor = 65536;
  std::size_t n_good = 0;  // steps since the factor changed

  /// Updates the factor from the gradients of a step; returns whether the step counts.
  bool accept(bool is_finite) {
    if (!is_finite) {
      factor = factor > 2 ? factor / 2 : 1;
      n_good = 0;
    } else if (++n_good == kGoodSteps) {
      factor = factor < kMax ? factor * 2 : kMax;
      n_good = 0;
    }
    return is_finite;
  }
};

}  // namespace sluice::dnn
