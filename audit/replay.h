#pragma once
/// Decides every record of a log again from its stored inputs and compares what comes out, bit for bit.
///
/// What failed then is made to fail again: a record that says that the network was late, shed or failed, that late
/// columns were not given, or that the forest failed, is decided with a stage or provider that does so, and a margin
/// that was not finite then and is now is taken as it was. Reasons by attribution are not computed again; the rules'
/// are. Nobody may write the log meanwhile.

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

/// The attribution's reasons for a decision, as they were computed then. In single precision their last bits are those
/// of the instruction set.
using ReasonsOf = std::function<std::vector<cascade::Reason>(RowView row, const cascade::Decision& decision)>;

struct ReplayOptions {
  gbdt::Kernel kernel = gbdt::Kernel::automatic;  // of the forest
  std::size_t batch = 4096;                       // records decided at once; at least 1
  ThreadPool* pool = nullptr;                     // null: the calling thread
  bool only_this_bundle = false;                  // leave out what another bundle decided; else it is compared too
  ReasonsOf reasons{};                            // of records that have some; null: they are not compared
  std::size_t max_differences = 100;              // that are described; all are counted
  Progress progress{};
};

struct ReplayDifference {
  std::uint64_t index = 0;  // of the log's entry
  std::string id;
  std::string what;  // the first field that differs, with both values
};

struct ReplayReport {
  std::uint64_t n_records = 0, n_different = 0;
  std::uint64_t n_erased = 0;        // whose key is gone: not among the records
  std::uint64_t n_other_bundle = 0;  // decided by another bundle then; compared all the same, unless only_this_bundle
  std::vector<ReplayDifference> differences;
};

/// Throws Error{log.*, record.*, keys.*, kernel.*}, Error{replay.width} for a record of another number of columns than
/// the bundle's.
ReplayReport replay(const std::filesystem::path& folder, std::shared_ptr<const cascade::Bundle> bundle,
                    const ReplayOptions& options = {});

}  // namespace sluice::audit
