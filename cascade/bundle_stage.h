#pragma once
/// Makes the stages that serve a bundle.
///
/// Thread-safety: the functions can be called from any thread; const calls of the stages are thread-safe.

#include <memory>
#include <string>
#include <vector>

#include "sluice/bundle/bundle.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/dnn/executor.h"

namespace sluice::cascade {

/// The forest stage; isolated on dedicated threads if the policy sets forest_threads (resilience/isolate.h). Throws
/// what make_forest_stage and isolate throw.
std::unique_ptr<ForestStage> make_bundle_forest(const Bundle& bundle);

/// The warnings of the bundle and of its forest stage, as Engine::warnings.
std::vector<std::string> all_warnings(const Bundle& bundle, const ForestStage& forest);

/// The network stage on the given device; null if the bundle has no network. Checks the network against the bundle's
/// parity sample on that device. If the device for batches of the policy's max_batch is not the CPU, single rows share
/// batches. Isolated on dedicated threads if the policy sets network_threads. Throws Error{bundle.plugin} if the
/// network is imported and the bundle was loaded without a folder of plug-ins, Error{bundle.parity}, and what
/// dnn::make_executor, dnn::make_imported_executor, make_network_stage and isolate throw.
std::unique_ptr<NetworkStage> make_bundle_stage(const Bundle& bundle, dnn::DeviceChoice device);

}  // namespace sluice::cascade
