#pragma once
/// An index of a log by request, subject, time and action: index.db beside it, made from the log and nothing else.
///
/// It may be deleted at any time. What an erased subject had in it goes at the next `update`. Not thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/bundle/policy.h"

namespace sluice::audit {

/// All that is given must hold.
struct Query {
  std::optional<std::string> id{};
  std::optional<std::uint64_t> subject{};             // subject_reference
  std::optional<std::int64_t> from_us{}, until_us{};  // from <= time < until
  std::optional<cascade::Action> action{};
  std::uint64_t limit = 1000;
};

class LogIndex {
 public:
  /// Throws Error{log.none} where there is no log, and Error{index.database}, as every call.
  explicit LogIndex(const std::filesystem::path& folder);
  ~LogIndex();

  /// Takes in what the log has and the index has not; an index of another log is made anew. Returns the number of
  /// entries that are new. Throws Error{log.*, keys.*, record.*}.
  std::uint64_t update();

  /// Indices of the log's entries, in order.
  std::vector<std::uint64_t> find(const Query& query);

  /// The entry that is the last review of the decision `decision`; nullopt where nobody reviewed it.
  std::optional<std::uint64_t> last_review(std::uint64_t decision);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
