#pragma once
/// The forest stage as the engine sees it. Tests and integrators may put their own in its place.
///
/// Const calls are thread-safe. A stage may throw; the engine then goes down the ladder and says so.

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
  /// Margins after dnn::kTreePrefixes of the trees, one set a raw row (schema order); the last is the stage's margin.
  virtual void score(RowsView rows, std::span<PrefixMargins> out) const = 0;
  /// The same of one row, for a caller who waits no longer than the deadline. Anything but none says that nothing was
  /// written: forest_late, forest_shed or forest_failed.
  virtual Cause score_one(RowView row, PrefixMargins& out, Deadline) const {
    score(RowsView(row), {&out, 1});
    return Cause::none;
  }
  /// What was found wrong in it when it was made (gbdt::Forest::warnings); empty for a stage that can be trusted.
  virtual std::vector<std::string> warnings() const { return {}; }
};

/// A bag of forests, merged into one (gbdt/merge.h). A bag of one gives that forest's exact margin. Throws
/// Error{forest.*} where a forest is not binary or reads other columns than the schema's forest columns.
std::unique_ptr<ForestStage> make_forest_stage(std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                                               const Schema& schema);

}  // namespace sluice::cascade
