#include "sluice/cascade/bundle_stage.h"

#include <utility>

#include "sluice/base/error.h"
#include "sluice/bundle/forest_signals.h"
#include "sluice/cascade/resilience/isolate.h"

namespace sluice::cascade {
namespace {

/// A bundle's encoder, which lives as long as its network does.
std::shared_ptr<const dnn::Encoder> encoder_of(const Bundle& bundle) {
  if (bundle.network) return {bundle.network, bundle.encoder()};
  return {bundle.imported, bundle.encoder()};
}

IsolationOptions isolation_options(const IsolationPolicy& policy, std::int64_t n_threads) {
  return {.n_threads = static_cast<std::size_t>(n_threads),
          .queue_limit = static_cast<std::size_t>(policy.queue_limit),
          .max_wait_us = policy.max_wait_us};
}

std::unique_ptr<dnn::Executor> open_imported(const Bundle& bundle, dnn::DeviceChoice device) {
  if (bundle.plugins.empty())
    throw Error("bundle.plugin",
                "the bundle's network, " + bundle.imported->file + ", is code for the runtime " +
                    bundle.imported->runtime + ", and no folder of plug-ins is allowed to run it",
                "if you trust its author: --allow-plugins DIR with the folder of libsluice_" +
                    bundle.imported->runtime + ".so; in a program, BundleOptions::plugins");
  return dnn::make_imported_executor(*bundle.imported, bundle.plugins, device);
}

}  // namespace

std::unique_ptr<ForestStage> make_bundle_forest(const Bundle& bundle) {
  auto stage = make_forest_stage(bundle.forests, bundle.schema);
  const IsolationPolicy& policy = bundle.policy.isolation;
  if (policy.forest_threads == 0) return stage;
  return isolate(std::shared_ptr<const ForestStage>(std::move(stage)), bundle.schema,
                 isolation_options(policy, policy.forest_threads));
}

std::vector<std::string> all_warnings(const Bundle& bundle, const ForestStage& forest) {
  std::vector<std::string> out = bundle.warnings();
  for (const std::string& warning : forest.warnings()) out.push_back("forest: " + warning);
  return out;
}

std::unique_ptr<NetworkStage> make_bundle_stage(const Bundle& bundle, dnn::DeviceChoice device) {
  if (!bundle.encoder()) return nullptr;
  std::unique_ptr<dnn::Executor> executor =
      bundle.network ? dnn::make_executor(bundle.network, device) : open_imported(bundle, device);
  if (bundle.parity) dnn::require_parity(*executor, *bundle.parity, "parity.json");
  std::optional<dnn::BatcherOptions> batching;
  const NetworkPolicy& policy = bundle.policy.network;
  if (executor->device_for(static_cast<std::size_t>(policy.max_batch)) != "cpu")
    batching = {.max_batch = static_cast<std::size_t>(policy.max_batch),
                .max_delay = std::chrono::microseconds(policy.max_delay_us),
                .queue_limit = static_cast<std::size_t>(policy.queue_limit)};
  auto stage = make_network_stage(encoder_of(bundle), std::move(executor), batching,
                                  make_forest_signals(*bundle.forests, bundle.schema, *bundle.encoder()));
  const IsolationPolicy& isolation = bundle.policy.isolation;
  if (isolation.network_threads == 0) return stage;
  return isolate(std::shared_ptr<const NetworkStage>(std::move(stage)), bundle.schema,
                 isolation_options(isolation, isolation.network_threads));
}

}  // namespace sluice::cascade
