#pragma once
/// The forest stage's interface to the engine. Tests and integrators can provide their own.
///
/// A stage may throw: the engine then decides at a lower level and records the cause.
/// Thread-safety: const calls are thread-safe, also those of every implementation.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/cascade/network_stage.h"
#include "sluice/gbdt/forest.h"

namespace sluice::cascade {

using dnn::PrefixMargins;

class ForestStage {
 public:
  virtual ~ForestStage() = default;
  /// Writes the margins after dnn::kTreePrefixes of the trees, one set per row; the last is the stage's margin. `rows`
  /// are raw, in schema order.
  virtual void score(RowsView rows, std::span<PrefixMargins> out) const = 0;
  /// The same for one row; the caller waits no longer than the deadline. Returns none, or the reason why `out` was not
  /// written: forest_late, forest_shed or forest_failed.
  virtual Cause score_one(RowView row, PrefixMargins& out, Deadline) const {
    score(RowsView(row), {&out, 1});
    return Cause::none;
  }
  /// Faults found when the stage was made (gbdt::Forest::warnings). Empty for a sound stage.
  virtual std::vector<std::string> warnings() const { return {}; }
};

/// Serves a bag of forests, merged into one (gbdt/merge.h). A bag of one gives that forest's exact margin. Throws
/// Error{forest.*} if a forest is not binary or does not read exactly the schema's forest columns.
std::unique_ptr<ForestStage> make_forest_stage(std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                                               const Schema& schema);

}  // namespace sluice::cascade
