#pragma once
/// Margins of a forest.
///
/// Exactly XGBoost's numbers for every batch size, neighbouring row, kernel and number of threads; forest.h has the
/// rules. Allocates nothing for forests of up to 1,024 columns of bins (docs/kernels.md). Rows are float32 in the
/// forest's feature order. If a batch does not have n_features columns or `out` is too small, the functions throw
/// Error{shape.*} before they write. LightGBM forests give their exact margins (predict_exact.h) rounded to float32;
/// gblinear ones give linear.h's. Both have whole margins only: part of the trees throws Error{forest.unsupported}.
/// A batch needs up to 700 KiB of stack.
/// Thread-safety: const calls are thread-safe; `prepare` changes the forest.

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
  // If named: Error{kernel.*} if this processor cannot run it or the forest does not support it.
  Kernel kernel = Kernel::automatic;
  Method method = Method::automatic;        // if named: the same
  TreeRange trees;                          // the margin is the base margin plus these trees
  std::span<const float> base_margin = {};  // [n_rows, n_groups] instead of the forest's own
  ThreadPool* pool = nullptr;               // computes blocks of rows in parallel
};

/// What computed the margins. Aligned so that one store writes it whole.
struct alignas(8) Ran {
  Kernel kernel = Kernel::scalar;
  Method method = Method::walk;
  friend bool operator==(const Ran&, const Ran&) = default;
};

/// Prepares the forest for the fast kernels. The loaders call it; call it after changing a forest's trees. Every method
/// of every kernel that this processor can run is compared with the plain walk on rows at the forest's own thresholds.
/// A method that differs is not used, and Forest::warnings reports it.
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

/// What `predict` runs for this number of rows. Throws what `predict` would throw.
Ran choice_of(const Forest& forest, std::size_t n_rows, Kernel kernel = Kernel::automatic,
              Method method = Method::automatic);

/// Whether this kernel, if the processor can run it, supports this forest with this method. Neither may be `automatic`.
bool has_method(const Forest& forest, Kernel kernel, Method method);

/// Converts margins [rows, n_groups] to predictions in place, by XGBoost's own float32 formulas (expf is the C
/// library's).
void apply_link(const Forest& forest, std::span<float> margins);

}  // namespace sluice::gbdt
