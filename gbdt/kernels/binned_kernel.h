#pragma once
/// The interface of an instruction set's file (binned_avx2.cpp, binned_avx512.cpp, binned_avx512_vbmi.cpp). Not
/// installed.

#include <cstddef>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/kernels/binned_forest.h"
#include "sluice/gbdt/predict.h"

namespace sluice::gbdt {

/// Margins of some rows after each of `ends` trees, counted from tree `first`. The bits are those of adding the trees
/// in order in float32 to `start`.
struct MarginJob {
  const Forest* forest = nullptr;
  BatchView rows;
  std::size_t first = 0;
  std::span<const std::size_t> ends;  // ascending
  const float* start = nullptr;       // [n_groups] for every row, or [n_rows, n_groups]
  std::size_t start_stride = 0;       // 0 or n_groups
  float* out = nullptr;               // [n_rows, ends.size(), n_groups]

  MarginJob slice(std::size_t first_row, std::size_t n_rows) const;
};

struct BinnedKernel {
  /// Both return their own identity, so that tests can check which one ran.
  Ran (*planes)(const MarginJob& job);  // many rows: one comparison per split for 64 rows; up to kPlaneRows rows
  Ran (*rows)(const MarginJob& job);    // few rows, or trees of several tiers: all splits of a block at once
  /// For forests of one tier that `rows` supports: bit i of [tree / 16][n] is set if tree 16 k + i sends the row left
  /// at node n of its heap, counted from 0. The output has 64 nodes and a multiple of 16 trees.
  void (*left_bits)(const Forest& forest, const float* row, std::uint16_t* bits);
  std::size_t max_row_columns;  // that `rows` supports
  bool has_lists;               // `planes` supports trees of more than kMaxLevels levels
};

inline constexpr std::size_t kPlaneRows = 512;

/// Null for Kernel::scalar.
const BinnedKernel* binned_kernel(Kernel kernel);

const BinnedKernel& binned_kernel_avx2();
const BinnedKernel& binned_kernel_avx512();
const BinnedKernel& binned_kernel_avx512_vbmi();

}  // namespace sluice::gbdt
