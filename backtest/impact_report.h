#pragma once
/// Report on a policy change over the same rows. Plain values; a figure that does not exist is NaN, and null in JSON.
/// `impact_json` and `impact_html` write it.
/// Thread-safety: plain data and pure functions.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/backtest/report.h"
#include "sluice/bundle/policy_differences.h"
#include "sluice/cascade/decision.h"

namespace sluice::backtest {

inline constexpr std::size_t kImpactActions = 4, kImpactLevels = 4;

/// Rows whose action was `from` and would be `to`.
struct ImpactCell {
  std::uint64_t n_rows = 0;
  std::uint64_t n_good = 0, n_bad = 0;  // rows with a known outcome
  std::uint64_t n_expected = 0;         // rows with a probability but no known outcome
  double sum_p = 0;                     // sum of their probabilities: the expected number of bad rows
};
using ImpactMatrix = std::array<std::array<ImpactCell, kImpactActions>, kImpactActions>;  // [from][to]

/// The figures under one policy. `cost` is the total over the rows that have an outcome or a probability, including
/// forwarding.
struct ImpactSide {
  std::int64_t policy_version = 0;
  double approve_rate = 0, review_rate = 0, decline_rate = 0;
  double cost = kNoFigure;
  std::uint64_t n_forwarded = 0;
  std::array<std::uint64_t, kImpactLevels> n_by_level{};
};

struct ImpactSegment {
  std::string name;
  std::uint64_t n_rows = 0, n_changed = 0;
  double approve_before = 0, approve_after = 0;  // shares
  double impact_before = kNoFigure,
         impact_after = kNoFigure;  // approval rate / highest rate of the groups; protected columns only
  double cost_change = kNoFigure;   // total, without the price of forwarding
};

struct ImpactTable {
  std::string column, kind;  // "text" or "number"
  bool is_protected = false;
  std::vector<ImpactSegment> segments;
};

struct ImpactChange {
  std::uint64_t row = 0;  // number of the row, or of the log's entry
  std::string id;
  cascade::Action from = cascade::Action::none, to = cascade::Action::none;
  cascade::Level level_from = cascade::Level::L0, level_to = cascade::Level::L0;
  double p = kNoFigure;
  std::optional<bool> is_bad;
  double cost_change = kNoFigure;
};

/// If the rows are from a decision log: what makes the report a certificate.
struct ImpactLog {
  std::string log, root;  // the log's id and the root over its entries, hexadecimal
  std::uint64_t n_entries = 0, n_covered = 0;
  std::uint64_t n_different = 0;  // decisions that the old policy does not reproduce bit for bit
  std::uint64_t n_erased = 0, n_other_bundle = 0;
  std::vector<std::string> differences;  // the first of them

  bool is_certificate() const { return n_different == 0; }
};

struct ImpactReport {
  std::string bundle, data;  // digest; source of the rows
  std::optional<ImpactLog> log;
  std::vector<cascade::PolicyDifference> differences;
  std::uint64_t n_rows = 0, n_changed = 0;
  ImpactSide before, after;
  ImpactMatrix actions{};
  std::array<std::array<std::uint64_t, kImpactLevels>, kImpactLevels> levels{};  // [from][to]
  cascade::Costs costs;
  std::string costs_from;                                        // "given", "bundle" or "default"
  double price = 0;                                              // of forwarding one row
  std::uint64_t n_labelled = 0, n_expected = 0, n_unpriced = 0;  // rows priced by outcome, by probability, not at all
  std::uint64_t n_without_late = 0;  // newly forwarded rows without late columns, which the log lacks
  std::vector<ImpactTable> tables;
  std::vector<ImpactChange> largest;

  double changed_share() const {
    return n_rows == 0 ? 0 : static_cast<double>(n_changed) / static_cast<double>(n_rows);
  }
};

/// The same report gives the same bytes.
std::string impact_json(const ImpactReport& report);
/// One static HTML page: no scripts, no external resources.
std::string impact_html(const ImpactReport& report);

}  // namespace sluice::backtest
