#include "sluice/cascade/network_stage.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/stack_buffer.h"

namespace sluice::cascade {
namespace {

// Encoded at once. On the CPU their inputs stay in the first-level cache; a device wants as many as there are.
constexpr std::size_t kCpuBlock = 64, kDeviceBlock = 4096;
constexpr std::size_t kStackFloats = 16384;

class EncodedStage final : public NetworkStage {
 public:
  EncodedStage(std::shared_ptr<const dnn::Encoder> encoder, std::shared_ptr<const dnn::Executor> executor,
               const std::optional<dnn::BatcherOptions>& batching)
      : encoder_(std::move(encoder)),
        executor_(std::move(executor)),
        block_(executor_->device() == "cpu" ? kCpuBlock : kDeviceBlock) {
    if (batching) batcher_ = std::make_unique<dnn::Batcher>(executor_, encoder_->n_encoded(), *batching);
  }

  NetworkAnswer score(RowsView rows, std::span<const StagedMargins> forest, std::span<float> out,
                      Deadline deadline) const override {
    if (batcher_ && rows.n_rows == 1) return share(rows.row(0), forest[0], out.first(1), deadline);
    for (std::size_t first = 0; first < rows.n_rows; first += block_) {
      const std::size_t n = std::min(block_, rows.n_rows - first);
      StackBuffer<float, kStackFloats> encoded(n * encoder_->n_encoded());
      for (std::size_t i = 0; i < n; ++i)
        encoder_->encode(rows.row(first + i), forest[first + i],
                         encoded.span().subspan(i * encoder_->n_encoded(), encoder_->n_encoded()));
      executor_->forward(BatchView(encoded.data(), n, encoder_->n_encoded()), out.subspan(first, n));
    }
    return {Cause::none, DeviceName(executor_->device_for(std::min(block_, rows.n_rows)))};
  }

 private:
  NetworkAnswer share(RowView row, const StagedMargins& forest, std::span<float> out, Deadline deadline) const {
    StackBuffer<float, kStackFloats> encoded(encoder_->n_encoded());
    encoder_->encode(row, forest, encoded.span());
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
  std::size_t block_;
  std::unique_ptr<dnn::Batcher> batcher_;
};

}  // namespace

DeviceName::DeviceName(std::string_view name) {
  std::copy_n(name.begin(), std::min(name.size(), text_.size() - 1), text_.begin());
}

std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Encoder> encoder,
                                                 std::shared_ptr<const dnn::Executor> executor,
                                                 const std::optional<dnn::BatcherOptions>& batching) {
  return std::make_unique<EncodedStage>(std::move(encoder), std::move(executor), batching);
}

std::unique_ptr<NetworkStage> make_network_stage(std::shared_ptr<const dnn::Network> network,
                                                 dnn::DeviceChoice device) {
  if (network->n_outputs() != 1)
    throw Error("network.outputs", "the network has " + std::to_string(network->n_outputs()) +
                                       " outputs; a cascade decides between two classes");
  const std::shared_ptr<const dnn::Encoder> encoder(network, &network->encoder());
  return make_network_stage(encoder, dnn::make_executor(std::move(network), device));
}

}  // namespace sluice::cascade
