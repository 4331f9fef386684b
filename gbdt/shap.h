#pragma once
/// Path-dependent Shapley values of a forest's margins, fast, and their pairwise interactions.
///
/// The game is tree_shap.h's (XGBoost's pred_contribs). A path's Shapley weights are an integral over [0, 1] of a
/// polynomial, so Q = ceil(k / 2) Gauss-Legendre points are exact for k features on the path. In float32 the values are
/// within 1e-5 of pred_contribs at margins of ordinary size; `Precision::audit` computes in double, to 1e-9 of the sum
/// over all coalitions.
///
/// Every row's values and bias are added up and compared with its margin, in each precision. A float32 row that is off
/// by more than 2^-20 x (1 + the sum of magnitudes) is computed again in double; a row that in double is off by more
/// than the margin's own float32 rounding (trees x 2^-23 x the largest margin the leaves allow) is
/// Error{attribution.additivity} with row, group, sum and margin.
///
/// How a tree is computed, and reported (ShapCounts): up to 6 splits deep as a full heap; deeper, and where a node's
/// cover is not its children's to 1e-6, by a walk of its nodes with as many points as it needs.
/// A row's bits depend on nothing but the row: not on the batch, its place in it, threads or kernel.
/// Thread-safe.

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
  std::size_t heap = 0, deep = 0;  // trees by the way that they are computed in float32; audit walks all
};

/// What the calls below need of a forest. Immutable; copies share it.
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
  Kernel kernel = Kernel::automatic;  // named: Error{kernel.unavailable} where this processor lacks it
  Precision precision = Precision::single;
  ThreadPool* pool = nullptr;  // shares out blocks of rows
};

/// What ran. `avx512_vbmi` runs the avx512 code; an audit is always scalar.
struct ShapReport {
  Kernel kernel = Kernel::scalar;
  Precision precision = Precision::single;
  ShapCounts trees;
  std::size_t n_recomputed = 0;  // rows that float32 missed and double gave
};

/// Scratch memory for `shap_row` with these tables, or with others that need no more: one for each thread that calls
/// it.
struct ShapWorkspace {
  explicit ShapWorkspace(const ShapTables& tables);
  std::vector<std::int32_t> keys;
  std::vector<std::uint16_t> left_bits;
  std::vector<float> cells;
};

/// Writes phi [n_rows, n_groups, n_features + 1] in margin units; the last column is the bias. `tables` must be of
/// `forest`: Error{shape.tables}. Throws Error{shape.*} for rows or an output of another size.
ShapReport shap(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<float> out,
                const ShapOptions& options = {});
/// The same with double results: with Precision::audit nothing is rounded to float32.
ShapReport shap(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<double> out,
                const ShapOptions& options = {});

/// The same bits for one row, 16 trees abreast: [n_groups, n_features + 1]. Allocates nothing, unless the row misses
/// its margin and is computed again. Throws as `shap` does, and Error{shape.workspace} where the workspace was made for
/// smaller tables.
ShapReport shap_row(const Forest& forest, const ShapTables& tables, std::span<const float> row, std::span<float> out,
                    ShapWorkspace& workspace, Kernel kernel = Kernel::automatic);

/// Writes [n_rows, n_groups, n_features + 1, n_features + 1] in double: XGBoost's pred_interactions. Symmetric; row i
/// adds up to feature i's Shapley value; the last row and column hold the bias on the diagonal alone.
void shap_interactions(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<double> out,
                       ThreadPool* pool = nullptr);

}  // namespace sluice::gbdt
