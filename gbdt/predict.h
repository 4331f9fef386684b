#pragma once
/// Margins of a forest.
///
/// Exactly XGBoost's numbers, whatever the batch size, the rows beside a row, and the kernel: see forest.h for the
/// rules. Thread-safe. Allocates nothing. Rows are float32 in the forest's feature order. A batch with other than
/// n_features columns, or an `out` that is too small, throws Error{shape.*} before anything is written.

#include <cstddef>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

enum class Kernel { automatic, scalar };  // every kernel gives the same bits

struct TreeRange {
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  std::size_t first = 0;
  std::size_t last = npos;  // one past the end; npos is all
};

struct PredictOptions {
  Kernel kernel = Kernel::automatic;
  TreeRange trees;  // the margin is the base margin and these trees
};

/// Floats that `predict` writes: rows × groups.
std::size_t output_size(const Forest& forest, std::size_t n_rows);

/// Writes margins [n_rows, n_groups], row-major; log-odds for binary:logistic.
void predict(const Forest& forest, BatchView rows, std::span<float> out, const PredictOptions& options = {});

/// The same bits for one row: margins[n_groups]. No set-up cost; several trees are walked side by side.
void predict_row(const Forest& forest, std::span<const float> row, std::span<float> margins);

/// Margins after the first ends[0], ends[1], ... trees in one pass: [n_rows, ends.size()]. Each column has the bits of
/// `predict` with trees {0, ends[k]}. `ends` must ascend and not exceed the number of trees; forests of one group only.
/// Throws Error{shape.*} otherwise.
void predict_staged(const Forest& forest, BatchView rows, std::span<const std::size_t> ends, std::span<float> out);

/// Turns margins [rows, n_groups] into predictions in place, by XGBoost's own float32 formulas (expf is the C
/// library's).
void apply_link(const Forest& forest, std::span<float> margins);

}  // namespace sluice::gbdt
