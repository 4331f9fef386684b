#pragma once
/// The stages that serve a bundle.

#include <memory>

#include "sluice/bundle/bundle.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/dnn/executor.h"

namespace sluice::cascade {

/// On threads of its own where the policy says so. Throws what make_forest_stage throws.
std::unique_ptr<ForestStage> make_bundle_forest(const Bundle& bundle);

/// On the given device, held against the bundle's parity sample there; null where the bundle has no network. Single
/// rows share batches, as the policy says, where a batch of its size is served by another device than the CPU; on
/// threads of its own where the policy says so. Throws
/// Error{bundle.parity}, and what dnn::make_executor throws.
std::unique_ptr<NetworkStage> make_bundle_stage(const Bundle& bundle, dnn::DeviceChoice device);

}  // namespace sluice::cascade
