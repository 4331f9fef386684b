#pragma once
/// Raw rows as forests read them: the forest columns of each row as float32.
///
/// Thread-safety: the functions are pure.

#include <algorithm>
#include <cstddef>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/base/stack_buffer.h"

namespace sluice::cascade {

/// Writes the values of `columns` of a raw row, the forest's inputs. `out` has one float per column.
inline void gather_columns(RowView row, std::span<const std::size_t> columns, std::span<float> out) {
  for (std::size_t f = 0; f < columns.size(); ++f) out[f] = static_cast<float>(row[columns[f]]);
}

inline constexpr std::size_t kForestBlock = 512;  // rows per block, as in the forest's kernels

/// Calls `work(first, inputs)` for each block of rows: the index of its first row, and its rows as float32
/// [rows, forest columns].
template <class Work>
void in_forest_blocks(RowsView rows, const Schema& schema, const Work& work) {
  const auto columns = schema.forest_columns();
  for (std::size_t first = 0; first < rows.n_rows; first += kForestBlock) {
    const std::size_t n = std::min(kForestBlock, rows.n_rows - first);
    StackBuffer<float, kForestBlock * 32> inputs(n * columns.size());
    for (std::size_t i = 0; i < n; ++i)
      gather_columns(rows.row(first + i), columns, inputs.span().subspan(i * columns.size(), columns.size()));
    work(first, BatchView(inputs.data(), n, columns.size()));
  }
}

}  // namespace sluice::cascade
