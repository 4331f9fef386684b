#pragma once
/// Stages and providers on threads of their own, so that none that hangs, or ends its thread, keeps a decision beyond
/// its deadline: for networks of other runtimes, devices, and providers that ask other machines.
///
/// Single rows go to those threads: a decision waits for them, no longer than its deadline and `max_wait_us`. Batches
/// run on their callers' threads and take none from the decisions. A hand-over costs some ten microseconds.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "sluice/base/schema.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/cascade/request.h"

namespace sluice::cascade {

struct IsolationOptions {
  std::size_t n_threads = 2;
  std::size_t queue_limit = 64;        // calls that wait for a thread; beyond them a call is shed
  std::size_t max_hung = 8;            // threads that hang and are replaced
  std::int64_t max_wait_us = 100'000;  // of a call without a deadline
};

/// Throw Error{isolation.options} for no threads, no queue or no wait.
std::unique_ptr<ForestStage> isolate(std::shared_ptr<const ForestStage> stage, const Schema& schema,
                                     const IsolationOptions& options = {});
std::unique_ptr<NetworkStage> isolate(std::shared_ptr<const NetworkStage> stage, const Schema& schema,
                                      const IsolationOptions& options = {});
std::unique_ptr<FeatureProvider> isolate(std::shared_ptr<const FeatureProvider> provider, const Schema& schema,
                                         const IsolationOptions& options = {});

}  // namespace sluice::cascade
