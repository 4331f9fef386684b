#pragma once
/// The network stage as the engine sees it. Tests and integrators may put their own in its place.
///
/// Const calls are thread-safe. A stage may throw; the engine then goes down the ladder and says so.

#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "sluice/base/batch.h"
#include "sluice/cascade/deadline.h"
#include "sluice/cascade/level.h"
#include "sluice/dnn/batcher.h"
#include "sluice/dnn/encoder.h"
#include "sluice/dnn/executor.h"

namespace sluice::cascade {

using dnn::PrefixMargins;

/// What stands where a stage writes no margin.
inline constexpr float kNoMargin = std::numeric_limits<float>::quiet_NaN();

/// "cpu", "cuda:0": the first eleven characters of a device's name, kept by value so that a decision stays plain.
class DeviceName {
 public:
  DeviceName() = default;
  explicit DeviceName(std::string_view name);
  std::string_view view() const { return text_.data(); }

 private:
  std::array<char, 12> text_{};
};

struct NetworkAnswer {
  Cause cause =
      Cause::none;    // none: the margins are written. network_late, network_shed or network_failed: they are not
  DeviceName device;  // that gave them
};

class NetworkStage {
 public:
  virtual ~NetworkStage() = default;
  /// The network's margins for raw rows and what the forest said of them. Where the stage waits (for a batch to fill,
  /// for a device), it does not wait beyond the deadline.
  virtual NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                              Deadline deadline) const = 0;
};

class ForestSignals;

/// Rows as `encoder` gives them, served by any executor; `signals` are those that the encoder reads (forest_signals.h).
/// With `batching`, single rows are gathered from all callers (dnn/batcher.h): for a device that answers many rows
/// sooner than few. Throws Error{batcher.options}, Error{network.outputs} for a network of several classes,
/// Error{network.signal} where the encoder reads signals that are not given.
std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Encoder> encoder,
                                                 std::shared_ptr<const dnn::Executor> executor,
                                                 const std::optional<dnn::BatcherOptions>& batching = {},
                                                 std::shared_ptr<const ForestSignals> signals = nullptr);

/// The same of a network, on a device. Throws what dnn::make_executor throws as well.
std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Network> network, dnn::DeviceChoice device,
                                                 std::shared_ptr<const ForestSignals> signals = nullptr);

}  // namespace sluice::cascade
