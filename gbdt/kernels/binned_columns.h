#pragma once
/// Maps a split's feature to a column, and the split to a place in the column. Not installed.

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

  /// Writes the split's words if they are not written yet.
  CategoryNode category_of(const Node& split, std::uint32_t place, Bins& bins);

  /// Fills the columns of both kinds, coarse and fine.
  void write(Bins& bins) const;

 private:
  const Forest& forest_;
  std::vector<std::vector<float>> cuts_;      // one list per feature, ascending, each value once; NaN is last
  std::vector<std::uint32_t> n_categories_;   // one per feature: one more than the highest category of its sets
  std::vector<std::size_t> first_column_;     // one per feature: the first column of its cuts
  std::vector<std::size_t> category_column_;  // one per feature: 1 and up, 0 for none
  std::size_t n_numeric_ = 0, n_category_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> first_word_;  // by set and default side
};

}  // namespace sluice::gbdt
