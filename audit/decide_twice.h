#pragma once
/// What a change would have made of the decisions in a log: each is decided under the bundle or policy of then, and
/// under the one that is proposed.
///
/// As in replay, what failed then fails again under both. What was not asked for then is not in the log: a row that is
/// forwarded under the proposal alone meets a sound network, without late columns. Nobody may write the log meanwhile.

#include <functional>

#include "sluice/audit/decision_record.h"
#include "sluice/audit/replay.h"
#include "sluice/cascade/decision.h"

namespace sluice::audit {

/// One record, valid during the visit.
struct DecidedTwice {
  std::uint64_t index = 0;  // of the log's entry
  const RecordHead& head;
  const RecordInputs& inputs;
  const cascade::Decision &before, &after;
};

/// Visits every readable record in the log's order; the report is that of `replay` under `before`: whether it gives the
/// stored decisions again. The bundles have one schema. Throws as `replay`.
ReplayReport decide_twice(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> before,
                          std::shared_ptr<const cascade::Bundle> after,
                          const std::function<void(const DecidedTwice&)>& visit, const ReplayOptions& options = {});

}  // namespace sluice::audit
