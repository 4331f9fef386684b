#pragma once
/// Path-dependent Shapley values of a forest's margins, fast, and their pairwise interactions.
///
/// The game is tree_shap.h's (XGBoost's pred_contribs). A path's Shapley weights are an integral over [0, 1] of a
/// polynomial, so Q = ceil(k / 2) Gauss-Legendre points are exact for k features on the path. In float32 the values are
/// within 1e-5 of pred_contribs at margins of ordinary size; `Precision::audit` computes in double, to 1e-9 of the sum
/// over all coalitions.
///
/// In each precision, every row's values and bias are added up and compared with its margin. A float32 row that is off
/// by more than 2^-20 x (1 + the sum of magnitudes) is computed again in double. A double row that is off by more than
/// the margin's own float32 rounding (trees x 2^-23 x the largest margin the leaves allow) is
/// Error{attribution.additivity} with row, group, sum and margin.
///
/// ShapCounts reports how trees are computed: up to 6 splits deep as a full heap; deeper trees, and those with a node
/// whose cover differs from its children's by more than 1e-6, by a walk of their nodes with as many points as needed.
/// A row's bits depend on the row alone, not on the batch, its place in it, threads or kernel.
/// Thread-safety: const calls and functions are thread-safe; a ShapWorkspace must be used by one thread at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/thread_pool.h"
#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/kernel.h"

namespace sluice::gbdt {

struct ShapState;

enum class Precision { single, audit };

struct ShapCounts {
  std::size_t heap = 0, deep = 0;  // number of trees computed by each method in float32; audit walks all trees
};

/// Tables of a forest that the functions below read. Immutable; copies share memory.
class ShapTables {
 public:
  /// Throws Error{attribution.depth} for trees deeper than 512 splits, Error{attribution.linear} for a gblinear model,
  /// Error{attribution.not_finite} for leaf values or base margins that are infinite or NaN.
  explicit ShapTables(const Forest& forest);

  ShapCounts counts() const;
  std::size_t memory_bytes() const;
  const ShapState& state() const { return *state_; }

 private:
  std::shared_ptr<const ShapState> state_;
};

struct ShapOptions {
  Kernel kernel = Kernel::automatic;  // if named: Error{kernel.unavailable} if this processor cannot run it
  Precision precision = Precision::single;
  ThreadPool* pool = nullptr;  // computes blocks of rows in parallel
};

/// What ran. `avx512_vbmi` runs the avx512 code; an audit is always scalar.
struct ShapReport {
  Kernel kernel = Kernel::scalar;
  Precision precision = Precision::single;
  ShapCounts trees;
  std::size_t n_recomputed = 0;  // rows that were computed again in double
};

/// Scratch memory for `shap_row` with these tables, or with others that need no more: one for each calling thread.
struct ShapWorkspace {
  explicit ShapWorkspace(const ShapTables& tables);
  std::vector<std::int32_t> keys;
  std::vector<std::uint16_t> left_bits;
  std::vector<float> cells;
};

/// Writes phi [n_rows, n_groups, n_features + 1] in margin units; the last column is the bias. `tables` must belong to
/// `forest`: Error{shape.tables}. Throws Error{shape.*} if rows or output have the wrong size.
ShapReport shap(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<float> out,
                const ShapOptions& options = {});
/// The same with double results: with Precision::audit nothing is rounded to float32.
ShapReport shap(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<double> out,
                const ShapOptions& options = {});

/// The same bits for one row, 16 trees in parallel: [n_groups, n_features + 1]. Allocates nothing, unless the row
/// differs from its margin and is computed again. Throws as `shap` does, and Error{shape.workspace} if the workspace
/// was made for smaller tables.
ShapReport shap_row(const Forest& forest, const ShapTables& tables, std::span<const float> row, std::span<float> out,
                    ShapWorkspace& workspace, Kernel kernel = Kernel::automatic);

/// Writes [n_rows, n_groups, n_features + 1, n_features + 1] in double: XGBoost's pred_interactions. Symmetric; row i
/// adds up to feature i's Shapley value; the last row and column have the bias on the diagonal only.
void shap_interactions(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<double> out,
                       ThreadPool* pool = nullptr);

}  // namespace sluice::gbdt
