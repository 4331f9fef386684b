#pragma once
/// An index of a log by request, subject, time and action: index.db in the log's folder, built only from the log.
///
/// A convenience: nothing proves that its rows are those of the log. Whoever acts on an answer compares the entry's own
/// id, as `sluice audit show` does, and reads the log where nothing may be missing. The file may be deleted while no
/// program uses it; one that is not sound, or has other tables, triggers or views, is replaced. The index of an
/// encrypted log has references in place of ids. The next `update` removes the rows of an erased subject.
/// Thread-safety: one thread at a time may use an index.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/bundle/policy.h"

namespace sluice::audit {

/// Selects the entries that meet all conditions that are set.
struct Query {
  std::optional<std::string> id{};
  std::optional<std::uint64_t> subject{};             // Log::subject_reference
  std::optional<std::int64_t> from_us{}, until_us{};  // from <= time < until
  std::optional<cascade::Action> action{};
  std::uint64_t limit = 1000;  // on the number of entries
};

class LogIndex {
 public:
  /// Opens the index, or creates an empty one. Throws Error{log.none} if the folder has no log. Every call throws
  /// Error{index.database} if SQLite fails.
  explicit LogIndex(const std::filesystem::path& folder);
  ~LogIndex();

  /// Adds the log's new entries; an index of another log is rebuilt. Returns the number of entries added. Throws
  /// Error{log.*, keys.*, record.*}; the index is then unchanged.
  std::uint64_t update();
  /// Rebuilds the index from the whole log. Returns and throws as `update`.
  std::uint64_t rebuild();

  /// Indices of the entries in the log, ascending.
  std::vector<std::uint64_t> find(const Query& query);

  /// The index of the last review of entry `decision`; nullopt if that decision has no review.
  std::optional<std::uint64_t> last_review(std::uint64_t decision);

 private:
  std::uint64_t add_new();
  std::vector<std::uint64_t> select(const Query& query);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::audit
