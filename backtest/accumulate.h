#pragma once
/// The state of a backtest: counts and exact sums that can be merged. Its size does not depend on the number of rows.
///
/// Merging the partial results of any split of the rows, in any order, gives the same bits as one pass. Only the choice
/// of the slices that are kept, if there are more than kMaxSlices, depends on the order.
/// Thread-safety: one thread at a time. Give each thread its own Accumulator and merge them.

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "sluice/backtest/exact_sum.h"
#include "sluice/backtest/score_histogram.h"
#include "sluice/bundle/costs.h"
#include "sluice/cascade/decision.h"

namespace sluice::backtest {

using cascade::Action;
inline constexpr std::size_t kActions = 4;  // including none
inline constexpr std::size_t kLevels = 4;

/// The result of one way to decide for one row. `p` is NaN if no model contributed to it.
struct Verdict {
  double p = std::numeric_limits<double>::quiet_NaN();
  Action action = Action::none;
};

struct ScoredRow {
  bool is_bad = false, in_band = false, forwarded = false;
  cascade::Level level = cascade::Level::L0;
  Verdict cascade, forest;
  Verdict network;        // action none if the bundle has no network
  Verdict without_rules;  // the cascade without its rules; action none if it has no rules
  bool without_rules_forwarded = false;
  std::array<Verdict, 3> degraded;  // as if at L1, L2, L3; action none if not requested
  Verdict challenger;               // action none if there is no challenger
  bool challenger_forwarded = false;
};

/// Counts of rows by action and label.
struct ActionCounts {
  std::array<std::array<std::uint64_t, 2>, kActions> n{};  // [action][is_bad]

  void add(Action action, bool is_bad) { ++n[static_cast<std::size_t>(action)][is_bad]; }
  void merge(const ActionCounts& other);
  std::uint64_t rows(Action action) const {
    return n[static_cast<std::size_t>(action)][0] + n[static_cast<std::size_t>(action)][1];
  }
  std::uint64_t bad(Action action) const { return n[static_cast<std::size_t>(action)][1]; }
  std::uint64_t rows() const;
  std::uint64_t bad() const;
  double cost(const cascade::Costs& costs) const;  // total over all rows
};

/// Counts of rows by the actions of two ways and the label: flips inside the band, swap sets.
struct ActionPairs {
  std::array<std::array<std::array<std::uint64_t, 2>, kActions>, kActions> n{};  // [from][to][is_bad]

  void add(Action from, Action to, bool is_bad) {
    ++n[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)][is_bad];
  }
  void merge(const ActionPairs& other);
};

/// Counts and sums of one way to decide.
struct Tally {
  ScoreHistogram scores;
  ExactSum log_loss, squared_error;
  ActionCounts actions;

  void add(const Verdict& verdict, bool is_bad);
  void merge(const Tally& other);
};

struct SliceTally {
  ScoreHistogram scores{ScoreHistogram::kSliceBins};
  ActionCounts actions;
  std::uint64_t n_forwarded = 0;

  void add(const ScoredRow& row);
  void merge(const SliceTally& other);
};

inline constexpr std::size_t kMaxSlices = 200;
inline constexpr const char* kOtherSlice = "(other)";

/// The slices of one column by name.
using Slices = std::map<std::string, SliceTally>;

/// The slice with this name, created if fewer than kMaxSlices exist; otherwise the slice kOtherSlice.
SliceTally& slice_of(Slices& slices, const std::string& name);

struct Accumulator {
  explicit Accumulator(std::size_t n_slice_columns = 0) : slices(n_slice_columns) {}

  /// `slice_names` has one name per slice column.
  void add(const ScoredRow& row, const std::vector<std::string>& slice_names);
  /// Precondition: `other` has the same slice columns.
  void merge(const Accumulator& other);

  Tally cascade, forest, network, without_rules;
  Tally band_forest, band_network;  // of the forwarded rows, at L0's cut-offs
  ActionPairs flips;                // of the forwarded rows: from the forest's action to the final action
  std::array<std::uint64_t, kLevels> n_by_level{};
  std::uint64_t n_in_band = 0, n_forwarded = 0, n_without_rules_forwarded = 0;
  std::array<Tally, 3> degraded;
  Tally challenger;
  ActionPairs swaps;  // from this bundle's action to the challenger's
  std::uint64_t n_challenger_forwarded = 0;
  std::vector<Slices> slices;
};

}  // namespace sluice::backtest
