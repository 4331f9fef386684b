#pragma once
/// Some rows of a block, contiguous in memory, and their places in the block. Not installed.

#include <cstddef>
#include <numeric>
#include <vector>

#include "sluice/base/batch.h"

namespace sluice::cascade {

/// A selection of all rows is a view of the block; a smaller one is a copy.
class Selection {
 public:
  explicit Selection(RowsView rows) : view_(rows), places_(rows.n_rows) {
    std::iota(places_.begin(), places_.end(), std::size_t{0});
  }
  Selection(Selection&&) = default;
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;

  /// The rows for whose place `wanted` returns true. Calls it once per place, in order. The result may point into this
  /// selection's memory.
  template <class Wanted>
  Selection where(const Wanted& wanted) const {
    Selection out(view_.slice(0, 0));
    std::vector<std::size_t> numbers;
    numbers.reserve(size());
    for (std::size_t k = 0; k < size(); ++k)
      if (wanted(places_[k])) numbers.push_back(k);
    if (numbers.size() == size()) {
      out.view_ = view_;
      out.places_ = places_;
      return out;
    }
    out.copy_ = Table(view_.n_columns);
    out.copy_.reserve(numbers.size());
    out.places_.reserve(numbers.size());
    for (const std::size_t k : numbers) {
      out.copy_.append(view_.row(k));
      out.places_.push_back(places_[k]);
    }
    out.view_ = out.copy_.view();
    return out;
  }

  std::size_t size() const { return places_.size(); }
  std::size_t place(std::size_t k) const { return places_[k]; }
  RowsView view() const { return view_; }

 private:
  RowsView view_;
  Table copy_;
  std::vector<std::size_t> places_;
};

}  // namespace sluice::cascade
