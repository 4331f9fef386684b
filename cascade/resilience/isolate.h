#pragma once
/// Runs stages and providers on dedicated threads, so that one that hangs or ends its thread does not keep a decision
/// beyond its deadline: for networks of other runtimes, for devices, and for providers that call other machines.
///
/// Single rows go to these threads: a decision waits until its deadline, and at most `max_wait_us`. Batches run on
/// their callers' threads and use none of the dedicated ones. A hand-over takes about 10 microseconds.
/// Thread-safety: const calls of the isolated stages and providers are thread-safe.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "sluice/base/schema.h"
#include "sluice/cascade/forest_stage.h"
#include "sluice/cascade/request.h"

namespace sluice::cascade {

struct IsolationOptions {
  std::size_t n_threads = 2;           // 1 to 1024
  std::size_t queue_limit = 64;        // calls that wait for a thread, 1 to 65536; beyond it a call is shed
  std::size_t max_hung = 8;            // threads that hang and are replaced, at most 1024
  std::int64_t max_wait_us = 100'000;  // maximum wait of a call, 1 to 3.6e9 (an hour)
};

/// Throw Error{isolation.options} if an option is out of range. A call without a free place ends with forest_shed,
/// network_shed or Result::late (of a provider), one without an answer in time with forest_late, network_late or
/// Result::late.
std::unique_ptr<ForestStage> isolate(std::shared_ptr<const ForestStage> stage, const Schema& schema,
                                     const IsolationOptions& options = {});
std::unique_ptr<NetworkStage> isolate(std::shared_ptr<const NetworkStage> stage, const Schema& schema,
                                      const IsolationOptions& options = {});
std::unique_ptr<FeatureProvider> isolate(std::shared_ptr<const FeatureProvider> provider, const Schema& schema,
                                         const IsolationOptions& options = {});

}  // namespace sluice::cascade
