#pragma once
/// Values to bins, for an instruction set. Not installed.

#include <cstdint>

#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {

/// `Isa::count_le(cuts, x)` is the number of the 16 cuts that are <= x; 0 for NaN.
template <class Isa>
inline std::int8_t bin_of(const Bins& of, std::size_t c, float x) {
  const Column& column = of.columns[c];
  const unsigned row = column.n_rows > 1 ? Isa::count_le(&of.coarse[c * kCutsABlock], x) : 0;
  const unsigned place = Isa::count_le(&of.fine[(column.first_row + row) * kCutsABlock], x);
  const int bin = static_cast<int>(row * kCutsABlock + place) + kLowestBin;
  // A mask, because a branch would be mispredicted at every missing value.
  const int is_missing = -static_cast<int>(x != x);
  return static_cast<std::int8_t>((bin & ~is_missing) | (kMissingBin & is_missing));
}

/// See CategoryColumn.
inline std::int8_t code_of(const CategoryColumn& column, float x) {
  const std::uint32_t missing = 64 * column.n_words - 2;
  const std::uint32_t code = x >= 0.0f && x < static_cast<float>(missing) ? static_cast<std::uint32_t>(x) : missing + 1;
  return static_cast<std::int8_t>(x != x ? missing : code);
}

/// The numeric columns of a row, value by value.
template <class Isa>
inline void bins_of_row(const Bins& of, const float* row, std::int8_t* bins) {
  for (std::size_t c = 0; c < of.columns.size(); ++c) bins[c] = bin_of<Isa>(of, c, row[of.columns[c].feature]);
}

/// Column c of n rows; `cells` points to the first row's value.
template <class Isa>
inline void bins_of_column(const Bins& of, std::size_t c, const float* cells, std::size_t stride, std::size_t n,
                           std::int8_t* bins) {
  for (std::size_t r = 0; r < n; ++r) bins[r] = bin_of<Isa>(of, c, cells[r * stride]);
}

/// The categorical columns of a row, which follow the numeric ones.
template <class Isa>
inline void codes_of_row(const Bins& of, const float* row, std::int8_t* bins) {
  std::int8_t* codes = bins + of.columns.size();
  for (const CategoryColumn& column : of.category_columns) *codes++ = code_of(column, row[column.feature]);
}

}  // namespace sluice::gbdt
