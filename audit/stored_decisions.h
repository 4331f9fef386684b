#pragma once
/// The decisions of a log, one after another. Functions are thread-safe; nobody may write the log meanwhile.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "sluice/audit/decision_record.h"
#include "sluice/audit/review.h"

namespace sluice::audit {

struct StoredDecision {
  EntryLink link;
  DecisionRecord record;
};

/// Shows every decision that can still be read, in order; returns the number of those whose key is erased. Throws
/// Error{log.*, keys.*, record.*}; what was shown before is then worth nothing.
std::uint64_t for_each_decision(const std::filesystem::path& folder,
                                const std::function<void(StoredDecision&&)>& visit);

/// The decisions of the request `id`, in order: a look at all of them.
std::vector<EntryLink> find_decisions(const std::filesystem::path& folder, std::string_view id);

/// The decision that is entry `index`; nullopt where that entry is none, or erased.
std::optional<StoredDecision> read_decision(const std::filesystem::path& folder, std::uint64_t index);

/// The same of a review.
std::optional<Review> read_review(const std::filesystem::path& folder, std::uint64_t index);

}  // namespace sluice::audit
