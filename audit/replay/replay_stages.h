#pragma once
/// Stages and a provider that behave as a record describes. Not installed.

#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "sluice/audit/decision_record.h"
#include "sluice/cascade/engine.h"
#include "sluice/gbdt/kernel.h"

namespace sluice::audit {

/// A bundle's forest on a given kernel. All kernels give the same margins.
std::unique_ptr<cascade::ForestStage> make_kernel_stage(const cascade::Bundle& bundle, gbdt::Kernel kernel);

/// Whether the record can be decided in a batch with others: its cause is not one of a stage or provider, and no late
/// columns were fetched.
bool is_plain(const RecordOutcome& outcome, const RecordInputs& inputs);

/// Decides records that are not plain. Const calls are thread-safe.
class FaultEngines {
 public:
  FaultEngines(std::shared_ptr<const cascade::Bundle> bundle, const cascade::EngineOptions& options);

  cascade::Decision decide(const RecordOutcome& outcome, const RecordInputs& inputs, std::int64_t now_us) const;

 private:
  cascade::Engine sound_;
  std::map<cascade::Cause, cascade::Engine> faulty_;  // each has a stage that fails with that cause
};

}  // namespace sluice::audit
