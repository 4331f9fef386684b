#pragma once
/// The report of a backtest. Plain values; a figure that does not exist (AUC of one class) is NaN, and null in JSON.
///
/// Rates are shares in [0, 1]. Costs are per row, in the unit of `costs`. report_json.h and report_html.h write it.
/// Thread-safety: plain data.

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "sluice/backtest/score_histogram.h"
#include "sluice/bundle/costs.h"
#include "sluice/bundle/policy.h"

namespace sluice::backtest {

inline constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

struct Figures {
  std::uint64_t n_rows = 0, n_scored = 0;  // ranking and calibration figures cover the rows that a model scored
  double auc = kNoFigure, gini = kNoFigure, ks = kNoFigure, pr_auc = kNoFigure;
  double auc_bound = kNoFigure;  // upper bound of the error of `auc` due to binning
  double log_loss = kNoFigure, brier = kNoFigure, calibration_error = kNoFigure;
  double approve_rate = 0, review_rate = 0, decline_rate = 0;
  double bad_rate_approved = kNoFigure;
  double cost = kNoFigure;  // including the price of forwarding
};

/// One way to decide: "cascade", the bundle with its rules; "without_rules", the same models and band, only if the
/// bundle has rules; "forest" and "network", one stage for all rows, with L0's cut-offs and no rules.
struct Way {
  std::string name;
  Figures figures;
  std::vector<RocPoint> roc;
  std::vector<CalibrationBin> calibration;
};

/// Forwarded rows by the forest's action and the final action, which may be equal.
struct Flip {
  cascade::Action from = cascade::Action::none, to = cascade::Action::none;
  std::uint64_t n_rows = 0, n_bad = 0;
  std::uint64_t n_better = 0, n_worse = 0;  // rows whose cost fell or rose
  double cost_change = 0;                   // per flipped row, without the price of forwarding; below 0 is a gain
};

struct BandReport {
  std::uint64_t n_in_band = 0, n_forwarded = 0;
  double forward_rate = 0;
  double price = 0;         // of forwarding one row: the call and its late columns
  Figures forest, network;  // of the forwarded rows; costs without `price`
  std::vector<Flip> flips;
};

struct SliceReport {
  std::string name;
  std::uint64_t n_rows = 0;
  double bad_rate = kNoFigure, auc = kNoFigure, auc_bound = kNoFigure;
  double forward_rate = 0, approve_rate = 0, cost = 0;
  double psi = kNoFigure;  // of p_final, compared with the table's reference slice
};

struct SliceTable {
  std::string column;
  std::string kind;           // "day", "week", "month", "text" or "number"
  std::vector<double> edges;  // "number": upper edges of all intervals but the last
  std::string reference;      // the slice that PSI compares with: the earliest, the lowest interval or the largest
  std::vector<SliceReport> slices;
};

struct LevelReport {
  std::string name;  // "L1"
  std::string what;  // "the network is down"
  Figures figures;
};

struct SwapCell {
  std::uint64_t n_rows = 0;
  double bad_rate = kNoFigure;
};

struct ChallengerReport {
  std::string bundle;
  Figures figures;
  double forward_rate = 0;
  SwapCell both, swapped_in, swapped_out, neither;  // by approval; swapped_in: only the challenger approves
  double cost_difference = kNoFigure;               // challenger minus this bundle
};

struct HistogramBar {
  double logit_low = 0, logit_high = 0;
  std::uint64_t good = 0, bad = 0;
};

struct Report {
  std::string bundle;  // digest
  std::int64_t policy_version = 0;
  std::string data, label;
  std::uint64_t n_rows = 0, n_bad = 0;
  cascade::Costs costs;
  std::string costs_from;  // "given", "bundle" or "default"
  std::optional<cascade::Band> band;
  cascade::Cutoffs level0;
  std::array<std::uint64_t, 4> n_by_level{};

  std::vector<Way> ways;  // in the order of Way; always with "cascade" and "forest"
  /// Share of the cost that the network for all rows saves over the forest, without rules; NaN if it saves nothing.
  double gap_recovered = kNoFigure;
  BandReport inside;
  std::vector<HistogramBar> scores;  // of the forest's p
  std::vector<LevelReport> levels;
  std::vector<SliceTable> slice_tables;  // time first
  std::optional<ChallengerReport> challenger;
  std::vector<std::string> warnings;

  const Way* way(const std::string& name) const;  // null if there is none
};

}  // namespace sluice::backtest
