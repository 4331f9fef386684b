#pragma once
/// Reads the decisions of a log.
/// Thread-safety: the functions are thread-safe, but the log must not be written during a call.

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

/// Calls `visit` for every decision that can still be read, in order. Returns the number of decisions whose key is
/// erased. Throws Error{log.*, keys.*, record.*}; the caller must then discard the decisions already visited.
std::uint64_t for_each_decision(const std::filesystem::path& folder,
                                const std::function<void(StoredDecision&&)>& visit);

/// The decisions of the request `id`, in order. Reads the whole log.
std::vector<EntryLink> find_decisions(const std::filesystem::path& folder, std::string_view id);

/// The decision in entry `index`; nullopt if that entry does not exist, is not a decision or is erased. Throws
/// Error{log.retained} if it was deleted by retention, and Error{log.*, keys.*, record.*}.
std::optional<StoredDecision> read_decision(const std::filesystem::path& folder, std::uint64_t index);

/// The same for a review.
std::optional<Review> read_review(const std::filesystem::path& folder, std::uint64_t index);

}  // namespace sluice::audit
