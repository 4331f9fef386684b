#pragma once
/// The effect of a change on the decisions in a log: decides each record under the current bundle or policy, and under
/// the proposed one.
///
/// As in replay, what failed originally fails again under both. The log does not contain what was not requested
/// originally: a row that only the proposal forwards gets a working network, without late columns.
/// Thread-safety: thread-safe, but the log must not be written during the call. `visit` runs on the calling thread.

#include <functional>

#include "sluice/audit/decision_record.h"
#include "sluice/audit/replay.h"
#include "sluice/cascade/decision.h"

namespace sluice::audit {

/// One record; valid only during the visit.
struct DecidedTwice {
  std::uint64_t index = 0;  // the entry's, in the log
  const RecordHead& head;
  const RecordInputs& inputs;
  const cascade::Decision &before, &after;
};

/// Visits every readable record in log order. The report is that of `replay` under `before`, which shows whether it
/// reproduces the stored decisions. Both bundles must have the same schema. Throws the errors of `replay`.
ReplayReport decide_twice(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> before,
                          std::shared_ptr<const cascade::Bundle> after,
                          const std::function<void(const DecidedTwice&)>& visit, const ReplayOptions& options = {});

}  // namespace sluice::audit
