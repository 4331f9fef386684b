#include "sluice/cascade/bundle_stage.h"

#include <utility>

namespace sluice::cascade {
namespace {

/// A bundle's encoder, which lives as long as its network does.
std::shared_ptr<const dnn::Encoder> encoder_of(const Bundle& bundle) {
  if (bundle.network) return {bundle.network, bundle.encoder()};
  return {bundle.imported, bundle.encoder()};
}

}  // namespace

std::unique_ptr<NetworkStage> make_bundle_stage(const Bundle& bundle, dnn::DeviceChoice device) {
  if (!bundle.encoder()) return nullptr;
  std::unique_ptr<dnn::Executor> executor = bundle.network ? dnn::make_executor(bundle.network, device)
                                                           : dnn::make_imported_executor(*bundle.imported, device);
  if (bundle.parity) dnn::require_parity(*executor, *bundle.parity, "parity.json");
  std::optional<dnn::BatcherOptions> batching;
  const NetworkPolicy& policy = bundle.policy.network;
  if (executor->device_for(static_cast<std::size_t>(policy.max_batch)) != "cpu")
    batching = {.max_batch = static_cast<std::size_t>(policy.max_batch),
                .max_delay = std::chrono::microseconds(policy.max_delay_us),
                .queue_limit = static_cast<std::size_t>(policy.queue_limit)};
  return make_network_stage(encoder_of(bundle), std::move(executor), batching);
}

}  // namespace sluice::cascade
