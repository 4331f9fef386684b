#pragma once
// A set of numbers that is built once and queried often: a list of ids, codes or amounts.

#include <cstddef>
#include <span>
#include <vector>

namespace sluice::rules {

/// Open addressing, at most half full; NaN is an empty place. 10^6 numbers need 16 or 32 MiB.
class NumberSet {
 public:
  explicit NumberSet(std::span<const double> members = {});
  bool contains(double x) const;
  std::size_t size() const { return size_; }
  std::vector<double> members() const;  // sorted
  bool operator==(const NumberSet& other) const { return size_ == other.size_ && members() == other.members(); }

 private:
  std::size_t place_of(double x) const;

  std::vector<double> places_;
  int shift_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice::rules
