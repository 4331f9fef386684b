#include "sluice/cascade/network_stage.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"
#include "sluice/bundle/forest_signals.h"

namespace sluice::cascade {
namespace {

// Rows encoded at a time. On the CPU their inputs fit in the first-level cache; other devices need large batches.
constexpr std::size_t kCpuBlock = 64, kDeviceBlock = 4096;
constexpr std::size_t kStackFloats = 16384,
                      kStackSignals = kCpuBlock * (dnn::kTreePrefixes.size() + dnn::kForestSignalCount);

class EncodedStage final : public NetworkStage {
 public:
  EncodedStage(std::shared_ptr<const dnn::Encoder> encoder, std::shared_ptr<const dnn::Executor> executor,
               const std::optional<dnn::BatcherOptions>& batching, std::shared_ptr<const ForestSignals> signals)
      : encoder_(std::move(encoder)),
        executor_(std::move(executor)),
        signals_(std::move(signals)),
        block_(executor_->device() == "cpu" ? kCpuBlock : kDeviceBlock) {
    if (encoder_->n_margins() != 1 || executor_->n_outputs() != 1)
      throw Error("network.outputs", "the network has " +
                                         std::to_string(std::max(encoder_->n_margins(), executor_->n_outputs())) +
                                         " outputs; a cascade decides between two classes");
    const std::size_t n_given = signals_ ? signals_->size() : 0, n_read = encoder_->signals().size();
    if (n_given != n_read)
      throw Error("network.signal", "the network reads " + std::to_string(n_read) + " signals of the forest, not the " +
                                        std::to_string(n_given) + " given");
    if (batching) batcher_ = std::make_unique<dnn::Batcher>(executor_, encoder_->n_encoded(), *batching);
  }

  NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                      Deadline deadline) const override {
    if (batcher_ && rows.n_rows == 1) return share(rows, forest.first(1), out.first(1), deadline);
    for (std::size_t first = 0; first < rows.n_rows; first += block_) {
      const std::size_t n = std::min(block_, rows.n_rows - first);
      StackBuffer<float, kStackFloats> encoded(n * encoder_->n_encoded());
      encode(rows.slice(first, n), forest.subspan(first, n), encoded.span());
      executor_->forward(BatchView(encoded.data(), n, encoder_->n_encoded()), out.subspan(first, n));
    }
    return {Cause::none, DeviceName(executor_->device_for(std::min(block_, rows.n_rows)))};
  }

 private:
  void encode(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out) const {
    const std::size_t n_forest = encoder_->n_forest_inputs(), n_encoded = encoder_->n_encoded();
    std::span<const float> said(forest.front().data(), forest.size() * forest.front().size());
    StackBuffer<float, kStackSignals> joined(signals_ ? rows.n_rows * n_forest : 0);
    if (signals_) {
      StackBuffer<float, kStackSignals> signals(rows.n_rows * signals_->size());
      signals_->compute(rows, signals.span());
      join_signals(forest, signals.span(), joined.span());
      said = joined.span();
    }
    for (std::size_t i = 0; i < rows.n_rows; ++i)
      encoder_->encode(rows.row(i), said.subspan(i * n_forest, n_forest), out.subspan(i * n_encoded, n_encoded));
  }

  NetworkAnswer share(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                      Deadline deadline) const {
    StackBuffer<float, kStackFloats> encoded(encoder_->n_encoded());
    encode(rows, forest, encoded.span());
    const dnn::BatchAnswer answer =
        batcher_->score(BatchView(encoded.data(), 1, encoder_->n_encoded()), out, deadline.at());
    switch (answer.status) {
      case dnn::BatchStatus::done:
        return {Cause::none, DeviceName(answer.device)};
      case dnn::BatchStatus::late:
        return {Cause::network_late, {}};
      case dnn::BatchStatus::full:
        return {Cause::network_shed, {}};
      case dnn::BatchStatus::failed:
      case dnn::BatchStatus::closed:
        break;
    }
    return {Cause::network_failed, {}};
  }

  std::shared_ptr<const dnn::Encoder> encoder_;
  std::shared_ptr<const dnn::Executor> executor_;
  std::shared_ptr<const ForestSignals> signals_;
  std::size_t block_;
  std::unique_ptr<dnn::Batcher> batcher_;
};

}  // namespace

DeviceName::DeviceName(std::string_view name) {
  std::copy_n(name.begin(), std::min(name.size(), text_.size() - 1), text_.begin());
}

std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Encoder> encoder,
                                                 std::shared_ptr<const dnn::Executor> executor,
                                                 const std::optional<dnn::BatcherOptions>& batching,
                                                 std::shared_ptr<const ForestSignals> signals) {
  return std::make_unique<EncodedStage>(std::move(encoder), std::move(executor), batching, std::move(signals));
}

std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Network> network, dnn::DeviceChoice device,
                                                 std::shared_ptr<const ForestSignals> signals) {
  const std::shared_ptr<const dnn::Encoder> encoder(network, &network->encoder());
  return make_network_stage(encoder, dnn::make_executor(std::move(network), device), {}, std::move(signals));
}

}  // namespace sluice::cascade
