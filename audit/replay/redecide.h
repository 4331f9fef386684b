#pragma once
/// Repeats stored decisions in batches and reproduces recorded failures. Not installed; not thread-safe.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/audit/decision_record.h"
#include "sluice/audit/replay.h"
#include "sluice/audit/replay/replay_stages.h"
#include "sluice/cascade/engine.h"

namespace sluice::audit {

/// One record of a batch, as it was stored.
struct Stored {
  std::uint64_t index = 0;
  RecordHead head;
  RecordInputs inputs;
  RecordOutcome outcome;
  std::string outcome_bytes;

  Stored(std::uint64_t entry, std::string_view payload);
};

class Redecider {
 public:
  Redecider(const cascade::Bundle& bundle, const ReplayOptions& options);

  /// One decision per record, valid until the next call. Throws Error{replay.width} for a record with another number of
  /// columns than the bundle.
  std::span<const cascade::Decision> decide(std::span<const Stored> batch);

  /// The first field in which the decision's outcome differs from the stored one, with both values; "" if none does.
  std::string difference(const Stored& stored, const cascade::Decision& decision);

  const cascade::Bundle& bundle() const { return *bundle_; }

 private:
  void decide_plain(std::span<const Stored> batch);
  void decide_others(std::span<const Stored> batch);

  ThreadPool* pool_;
  ReasonsOf reasons_;
  std::shared_ptr<const cascade::Bundle> bundle_;
  cascade::EngineOptions stages_;
  std::unique_ptr<cascade::Engine> engine_;
  std::unique_ptr<FaultEngines> faults_;  // created when a record needs them
  Table rows_;
  std::vector<cascade::Decision> decisions_;
  std::string now_;
};

}  // namespace sluice::audit
