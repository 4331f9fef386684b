#pragma once
/// A sum that does not depend on the order of its terms: 128-bit fixed point.
///
/// Any split of the terms into partial sums, merged in any order, gives the same bits.
/// Thread-safety: one thread at a time. Give each thread its own sum and merge them.

#include <cmath>
#include <cstdint>

namespace sluice::backtest {

class ExactSum {
 public:
  /// `x` is in [0, 2^31) and is rounded down to a multiple of 2^-64. The sum must stay below 2^64.
  void add(double x) {
    const double whole = std::floor(x);
    add(static_cast<std::uint64_t>(whole), static_cast<std::uint64_t>(std::ldexp(x - whole, 64)));
  }
  void merge(const ExactSum& other) { add(other.whole_, other.fraction_); }
  double value() const { return static_cast<double>(whole_) + std::ldexp(static_cast<double>(fraction_), -64); }

 private:
  void add(std::uint64_t whole, std::uint64_t fraction) {
    fraction_ += fraction;
    whole_ += whole + (fraction_ < fraction);  // the carry
  }

  std::uint64_t whole_ = 0, fraction_ = 0;
};

}  // namespace sluice::backtest
