#pragma once
/// The network stage's interface to the engine. Tests and integrators can provide their own.
///
/// A stage may throw: the engine then decides at a lower level and records the cause.
/// Thread-safety: const calls are thread-safe, also those of every implementation.

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

/// The margin of an output that a stage did not write.
inline constexpr float kNoMargin = std::numeric_limits<float>::quiet_NaN();

/// "cpu", "cuda:0": the first 11 characters of a device's name, by value, so that a decision is trivially copyable.
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
      Cause::none;    // none: the margins were written; network_late, network_shed or network_failed: they were not
  DeviceName device;  // computed the margins
};

class NetworkStage {
 public:
  virtual ~NetworkStage() = default;
  /// Writes the network's margins, one per row. `rows` are raw, in schema order; `forest` has the forest's margins of
  /// each row. A stage that waits (for a batch to fill, for a device) does not wait beyond the deadline.
  virtual NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                              Deadline deadline) const = 0;
};

class ForestSignals;

/// Encodes rows with `encoder` and runs them on `executor`. `signals` are the forest's signals that the encoder reads
/// (bundle/forest_signals.h). With `batching`, single rows of all callers are gathered into batches (dnn/batcher.h),
/// for devices that compute many rows faster together. Throws Error{batcher.options}, Error{network.outputs} for a
/// network with several classes, Error{network.signal} if `signals` are not as many as the encoder reads.
std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Encoder> encoder,
                                                 std::shared_ptr<const dnn::Executor> executor,
                                                 const std::optional<dnn::BatcherOptions>& batching = {},
                                                 std::shared_ptr<const ForestSignals> signals = nullptr);

/// The same for a network on a device, without batching. Also throws what dnn::make_executor throws.
std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Network> network, dnn::DeviceChoice device,
                                                 std::shared_ptr<const ForestSignals> signals = nullptr);

}  // namespace sluice::cascade
