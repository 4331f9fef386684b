#pragma once
/// The two model stages as the engine sees them. Tests and integrators may put their own in their place.
///
/// Const calls are thread-safe. A stage may throw; the engine then goes down the ladder and says so.

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/executor.h"
#include "sluice/gbdt/forest.h"

namespace sluice::cascade {

using dnn::StagedMargins;

class ForestStage {
 public:
  virtual ~ForestStage() = default;
  /// Margins after dnn::kStages of the trees, one set a raw row (schema order); the last is the stage's margin.
  virtual void score(RowsView rows, std::span<StagedMargins> out) const = 0;
};

class NetworkStage {
 public:
  virtual ~NetworkStage() = default;
  /// The network's margins for raw rows and what the forest said of them.
  virtual void score(RowsView rows, std::span<const StagedMargins> forest, std::span<float> out) const = 0;
  virtual std::string_view device() const = 0;
};

/// A bag of forests, folded into one (gbdt/fold.h). A bag of one gives that forest's exact margin. Throws
/// Error{forest.*} where a forest is not binary or reads other columns than the schema's forest columns.
std::unique_ptr<ForestStage> make_forest_stage(std::shared_ptr<const std::vector<gbdt::Forest>> bag,
                                               const Schema& schema);

std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Network> network, dnn::DeviceChoice device);

/// Rows as `encoder` gives them, served by any executor.
std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Encoder> encoder,
                                                 std::unique_ptr<dnn::Executor> executor);

/// The float32 inputs of the forest: `columns` of the raw row.
void gather_columns(RowView row, std::span<const std::size_t> columns, std::span<float> out);

}  // namespace sluice::cascade
