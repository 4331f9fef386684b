#pragma once
/// Stages and a provider that do what a record says was done. Not installed.

#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "sluice/audit/decision_record.h"
#include "sluice/cascade/engine.h"
#include "sluice/gbdt/kernel.h"

namespace sluice::audit {

/// A bundle's forest on a named kernel; the margins are those of every other.
std::unique_ptr<cascade::ForestStage> make_kernel_stage(const cascade::Bundle& bundle, gbdt::Kernel kernel);

/// Whether the record can be decided with others in a batch: nothing failed that a machine's mood decides, and nothing
/// was fetched.
bool is_plain(const RecordOutcome& outcome, const RecordInputs& inputs);

/// Decides records that are not plain. Const calls are thread-safe.
class FaultEngines {
 public:
  FaultEngines(std::shared_ptr<const cascade::Bundle> bundle, const cascade::EngineOptions& options);

  cascade::Decision decide(const RecordOutcome& outcome, const RecordInputs& inputs, std::int64_t now_us) const;

 private:
  cascade::Engine sound_;
  std::map<cascade::Cause, cascade::Engine> faulty_;  // whose stage answers with that cause
};

}  // namespace sluice::audit
