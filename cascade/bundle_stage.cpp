#include "sluice/cascade/bundle_stage.h"

#include <utility>

namespace sluice::cascade {

std::unique_ptr<NetworkStage> make_bundle_stage(const Bundle& bundle, dnn::DeviceChoice device) {
  if (!bundle.network) return nullptr;
  std::unique_ptr<dnn::Executor> executor = dnn::make_executor(bundle.network, device);
  const std::shared_ptr<const dnn::Encoder> encoder(bundle.network, &bundle.network->encoder());
  if (bundle.parity) dnn::require_parity(*executor, *bundle.parity, "parity.json");
  return make_network_stage(encoder, std::move(executor));
}

}  // namespace sluice::cascade
