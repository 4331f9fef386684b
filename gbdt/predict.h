#pragma once
/// Margins of a forest.
///
/// Exactly XGBoost's numbers, whatever the batch size, the rows beside a row, the kernel and the number of threads: see
/// forest.h for the rules. Thread-safe. Allocates nothing for forests of up to 1,024 columns of bins (docs/kernels.md).
/// Rows are float32 in the forest's feature order. A batch with other than n_features columns, or an `out` that is too
/// small, throws Error{shape.*} before anything is written. LightGBM forests give their exact margins (predict_exact.h)
/// rounded to float32; gblinear ones linear.h's. Both as a whole: Error{forest.unsupported} for part of the trees.

#include <cstddef>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/base/thread_pool.h"
#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/kernel.h"

namespace sluice::gbdt {

struct TreeRange {
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  std::size_t first = 0;
  std::size_t last = npos;  // one past the end; npos is all
};

struct PredictOptions {
  Kernel kernel = Kernel::automatic;        // named: Error{kernel.*} where this processor or this forest cannot have it
  Method method = Method::automatic;        // named: the same
  TreeRange trees;                          // the margin is the base margin and these trees
  std::span<const float> base_margin = {};  // [n_rows, n_groups] instead of the forest's own
  ThreadPool* pool = nullptr;               // shares out blocks of rows
};

/// What computed margins. Aligned so that one store writes it whole.
struct alignas(8) Ran {
  Kernel kernel = Kernel::scalar;
  Method method = Method::walk;
  friend bool operator==(const Ran&, const Ran&) = default;
};

/// Makes the forest ready for the fast kernels. The readers do so; call it after changing a forest's trees. Every
/// method of every kernel that this processor has is compared with the plain walk on rows at the forest's own
/// thresholds; one that differs is not used, and Forest::warnings says so.
void prepare(Forest& forest);

/// Floats that `predict` writes: rows × groups.
std::size_t output_size(const Forest& forest, std::size_t n_rows);

/// Writes margins [n_rows, n_groups], row-major; log-odds for binary:logistic. Returns what ran.
Ran predict(const Forest& forest, BatchView rows, std::span<float> out, const PredictOptions& options = {});

/// The same bits for one row: margins[n_groups]. No set-up cost.
Ran predict_row(const Forest& forest, std::span<const float> row, std::span<float> margins,
                Kernel kernel = Kernel::automatic, Method method = Method::automatic);

/// Margins after the first ends[0], ends[1], ... trees in one pass: [n_rows, ends.size()]. Each column has the bits of
/// `predict` with trees {0, ends[k]}. `ends` must ascend and not exceed the number of trees; forests of one group only.
/// Throws Error{shape.*} otherwise.
Ran predict_prefixes(const Forest& forest, BatchView rows, std::span<const std::size_t> ends, std::span<float> out,
                     Kernel kernel = Kernel::automatic, Method method = Method::automatic);

/// What `predict` runs for so many rows. Throws what it would throw.
Ran choice_of(const Forest& forest, std::size_t n_rows, Kernel kernel = Kernel::automatic,
              Method method = Method::automatic);

/// Whether this kernel, if the processor has it, computes this forest by this method. Neither may be `automatic`.
bool has_method(const Forest& forest, Kernel kernel, Method method);

/// Turns margins [rows, n_groups] into predictions in place, by XGBoost's own float32 formulas (expf is the C
/// library's).
void apply_link(const Forest& forest, std::span<float> margins);

}  // namespace sluice::gbdt
