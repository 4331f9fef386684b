#pragma once
/// Interventional (baseline) Shapley values of a forest's margins against a weighted background.
///
/// The game: features in the coalition have the row's values, the others have a background row's. The value is the
/// weighted mean over the background (Lundberg et al. 2020; shap's TreeExplainer, "interventional"). Exact. For every
/// subtree a table contains the values for each outcome of its splits (after WOODELF, arXiv 2511.09376), so that the
/// cost of a row does not depend on the background's size.
///
/// Sums are float32, or double with Precision::audit (to 1e-9 of the sum over all coalitions). Every row's values and
/// bias are compared with its margin as in shap.h; a mismatch is the same Error{attribution.additivity}.
/// Trees up to 6 splits deep (whose covers add up, see shap.h) have tables. The others are computed pair by pair with
/// the background, so that their cost grows with it. `counts()` has the number of each. A float32 row that does not
/// match its margin is computed again pair by pair in double.
///
/// Thread-safety: all functions and const calls are thread-safe.

#include <cstddef>
#include <memory>
#include <span>

#include "sluice/base/batch.h"
#include "sluice/base/thread_pool.h"
#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/shap.h"

namespace sluice::gbdt {

struct InterventionalState;

struct InterventionalCounts {
  std::size_t tables = 0, pairs = 0;  // number of trees computed by each method
};

class InterventionalTables {
 public:
  /// `weights`: one per background row, >= 0, not all 0; empty: all equal. Throws Error{attribution.background}, and
  /// Error{shape.features} if rows and forest have different features.
  InterventionalTables(const Forest& forest, BatchView background, std::span<const float> weights = {},
                       Precision precision = Precision::single);

  InterventionalCounts counts() const;
  Precision precision() const;
  std::size_t memory_bytes() const;
  const InterventionalState& state() const { return *state_; }

 private:
  std::shared_ptr<const InterventionalState> state_;
};

struct InterventionalReport {
  InterventionalCounts trees;
  Precision precision = Precision::single;
  std::size_t n_recomputed = 0;
};

/// Writes phi [n_rows, n_groups, n_features + 1] in margin units; the last column is the background's weighted mean
/// margin. Throws Error{shape.*}. A row's bits do not depend on the other rows.
InterventionalReport interventional_shap(const Forest& forest, const InterventionalTables& tables, BatchView rows,
                                         std::span<double> out, ThreadPool* pool = nullptr);

}  // namespace sluice::gbdt
