#pragma once
/// Decides every record of a log again from its stored inputs and compares the outcomes bit for bit.
///
/// Recorded failures are reproduced: if the record has a cause such as a late, shed or failed network, missing late
/// columns or a failed forest, the row is decided with a stage or provider that fails in the same way. A margin that
/// was not finite is treated as such even if it is finite now. The rules' reasons are computed again; an attribution's
/// only with `ReplayOptions::reasons`.
/// Thread-safety: thread-safe, but the log must not be written during the call.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/progress.h"
#include "sluice/base/thread_pool.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/decision.h"
#include "sluice/cascade/record.h"
#include "sluice/gbdt/kernel.h"

namespace sluice::audit {

/// Computes the attribution's reasons for a decision, with the method and options used when it was recorded. In single
/// precision their last bits depend on the instruction set.
using ReasonsOf = std::function<std::vector<cascade::Reason>(RowView row, const cascade::Decision& decision)>;

struct ReplayOptions {
  gbdt::Kernel kernel = gbdt::Kernel::automatic;  // of the forest
  std::size_t batch = 4096;                       // records decided at once; at least 1
  ThreadPool* pool = nullptr;                     // null: the calling thread
  bool only_this_bundle = false;                  // skip records that another bundle decided; else compare them too
  ReasonsOf reasons{};                            // called for records that have reasons; null: not compared
  std::size_t max_differences = 100;              // described in the report; all are counted
  Progress progress{};
};

struct ReplayDifference {
  std::uint64_t index = 0;  // the entry's, in the log
  std::string id;
  std::string what;  // the first field that differs, with both values
};

struct ReplayReport {
  std::uint64_t n_records = 0, n_different = 0;
  std::uint64_t n_erased = 0;        // records whose key is erased; not in n_records
  std::uint64_t n_other_bundle = 0;  // recorded under another bundle; compared too, unless only_this_bundle
  std::vector<ReplayDifference> differences;
};

/// Throws Error{log.*, record.*, keys.*, kernel.*}, and Error{replay.width} for a record whose number of columns is not
/// the bundle's.
ReplayReport replay(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> bundle,
                    const ReplayOptions& options = {});

}  // namespace sluice::audit
