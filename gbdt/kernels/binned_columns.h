#pragma once
/// Which column holds a split's feature, and where in it the split stands. Not installed.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {

class ColumnMap {
 public:
  explicit ColumnMap(const Forest& forest);

  std::size_t n_columns() const { return n_numeric_ + n_category_; }
  std::size_t n_numeric() const { return n_numeric_; }

  struct Cut {
    std::size_t column;
    std::int8_t byte;  // bin <= k as a stored byte
  };
  Cut cut_of(const Node& split) const;

  /// Writes the split's words where they are not there yet.
  CategoryNode category_of(const Node& split, std::uint32_t place, Bins& bins);

  /// Fills the columns of both kinds, coarse and fine.
  void write(Bins& bins) const;

 private:
  const Forest& forest_;
  std::vector<std::vector<float>> cuts_;      // one list a feature, ascending, each value once; NaN is the last
  std::vector<std::uint32_t> n_categories_;   // one a feature: one more than the highest of its sets
  std::vector<std::size_t> first_column_;     // one a feature: of its cuts
  std::vector<std::size_t> category_column_;  // one a feature: 1 and up, 0 for none
  std::size_t n_numeric_ = 0, n_category_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> first_word_;  // by set and default side
};

}  // namespace sluice::gbdt
