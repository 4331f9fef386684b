#include "sluice/backtest/summarize.h"

#include <algorithm>
#include <cmath>

namespace sluice::backtest {
namespace {

constexpr Action kShown[] = {Action::approve, Action::review, Action::decline};

double share(std::uint64_t part, std::uint64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : kNoFigure;
}

Way way_of(std::string name, const Tally& tally, const Figures& figures) {
  return {std::move(name), figures, tally.scores.roc(), tally.scores.calibration()};
}

Flip flip_of(const ActionPairs& pairs, Action from, Action to, const cascade::Costs& costs) {
  const auto& n = pairs.n[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
  Flip flip{.from = from, .to = to, .n_rows = n[0] + n[1], .n_bad = n[1]};
  double change = 0;
  for (const bool is_bad : {false, true}) {
    const double difference = costs.of(to, is_bad) - costs.of(from, is_bad);
    change += difference * static_cast<double>(n[is_bad]);
    if (difference < 0) flip.n_better += n[is_bad];
    if (difference > 0) flip.n_worse += n[is_bad];
  }
  flip.cost_change = flip.n_rows > 0 ? change / static_cast<double>(flip.n_rows) : 0;
  return flip;
}

BandReport band_of(const Accumulator& totals, const cascade::Costs& costs, double price) {
  BandReport band{.n_in_band = totals.n_in_band, .n_forwarded = totals.n_forwarded, .price = price};
  band.forward_rate = share(totals.n_forwarded, totals.cascade.actions.rows());
  band.forest = figures_of(totals.band_forest, costs);
  band.network = figures_of(totals.band_network, costs);
  for (const Action from : kShown)
    for (const Action to : kShown) {
      const Flip flip = flip_of(totals.flips, from, to, costs);
      if (flip.n_rows > 0) band.flips.push_back(flip);
    }
  return band;
}

SliceReport slice_report(const std::string& name, const SliceTally& tally, const SliceTally& reference,
                         const cascade::Costs& costs, double price) {
  const auto n = tally.actions.rows();
  SliceReport slice{.name = name, .n_rows = n, .bad_rate = share(tally.actions.bad(), n)};
  slice.auc = tally.scores.auc();
  slice.auc_bound = tally.scores.auc_bound();
  slice.forward_rate = share(tally.n_forwarded, n);
  slice.approve_rate = share(tally.actions.rows(Action::approve), n);
  slice.cost = (tally.actions.cost(costs) + static_cast<double>(tally.n_forwarded) * price) / static_cast<double>(n);
  slice.psi = population_stability_index(reference.scores, tally.scores);
  return slice;
}

/// Periods and intervals in ascending order, texts by descending count; names in parentheses last.
std::vector<std::string> ordered_names(const Slices& slices, const Slicer& slicer) {
  std::vector<std::string> names;
  for (const auto& [name, tally] : slices) names.push_back(name);  // ascending
  const auto intervals = slicer.interval_names();
  const auto rank = [&](const std::string& name) -> double {
    if (name.front() == '(') return std::numeric_limits<double>::infinity();
    if (slicer.kind() == "number")
      return static_cast<double>(std::find(intervals.begin(), intervals.end(), name) - intervals.begin());
    if (slicer.kind() == "text") return -static_cast<double>(slices.at(name).actions.rows());
    return 0;
  };
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return names;
}

SliceTable table_of(const Slices& slices, const Slicer& slicer, const cascade::Costs& costs, double price) {
  SliceTable table{.column = slicer.column(), .kind = slicer.kind(), .edges = slicer.edges()};
  const auto names = ordered_names(slices, slicer);
  if (names.empty()) return table;
  table.reference = names.front();
  const SliceTally& reference = slices.at(table.reference);
  for (const auto& name : names) table.slices.push_back(slice_report(name, slices.at(name), reference, costs, price));
  return table;
}

/// About 60 bars over the range of nearly all scores.
std::vector<HistogramBar> bars_of(const ScoreHistogram& scores) {
  constexpr std::size_t kBars = 60;
  std::vector<HistogramBar> bars;
  const auto& bins = scores.bins();
  std::size_t first = bins.size(), last = 0;
  std::uint64_t seen = 0;
  const std::uint64_t outside = scores.n_rows() / 2000;  // rows cut off in each tail
  for (std::size_t b = 0; b < bins.size(); ++b) {
    seen += bins[b].n_rows();
    if (seen > outside) first = std::min(first, b);
    if (seen < scores.n_rows() - outside) last = b + 1;
  }
  if (first > last) return bars;
  const std::size_t width = std::max<std::size_t>(1, (last + 1 - first + kBars - 1) / kBars);
  for (std::size_t b = first; b <= last && b < bins.size(); b += width) {
    HistogramBar bar{.logit_low = scores.logit_at(b), .logit_high = scores.logit_at(std::min(b + width, bins.size()))};
    for (std::size_t i = b; i < std::min(b + width, bins.size()); ++i) {
      bar.good += bins[i].good;
      bar.bad += bins[i].bad;
    }
    bars.push_back(bar);
  }
  return bars;
}

/// Compares ways without rules, because forest and network have none.
double gap_recovered(const Report& report) {
  const Way* network = report.way("network");
  const Way* without_rules = report.way("without_rules");
  if (!network) return kNoFigure;
  const double cascade = (without_rules ? without_rules : report.way("cascade"))->figures.cost,
               forest = report.way("forest")->figures.cost;
  return forest > network->figures.cost ? (forest - cascade) / (forest - network->figures.cost) : kNoFigure;
}

}  // namespace

const Way* Report::way(const std::string& name) const {
  const auto it = std::find_if(ways.begin(), ways.end(), [&](const Way& way) { return way.name == name; });
  return it == ways.end() ? nullptr : &*it;
}

Figures figures_of(const Tally& tally, const cascade::Costs& costs, std::uint64_t n_forwarded, double price) {
  Figures f;
  f.n_rows = tally.actions.rows();
  f.n_scored = tally.scores.n_rows();
  if (f.n_rows == 0) return f;
  f.auc = tally.scores.auc();
  f.auc_bound = tally.scores.auc_bound();
  f.gini = 2 * f.auc - 1;
  f.ks = tally.scores.ks();
  f.pr_auc = tally.scores.pr_auc();
  if (f.n_scored > 0) {
    f.log_loss = tally.log_loss.value() / static_cast<double>(f.n_scored);
    f.brier = tally.squared_error.value() / static_cast<double>(f.n_scored);
    f.calibration_error = tally.scores.calibration_error();
  }
  f.approve_rate = share(tally.actions.rows(Action::approve), f.n_rows);
  f.review_rate = share(tally.actions.rows(Action::review), f.n_rows);
  f.decline_rate = share(tally.actions.rows(Action::decline), f.n_rows);
  f.bad_rate_approved = share(tally.actions.bad(Action::approve), tally.actions.rows(Action::approve));
  f.cost = (tally.actions.cost(costs) + static_cast<double>(n_forwarded) * price) / static_cast<double>(f.n_rows);
  return f;
}

void summarize(const Accumulator& totals, const cascade::Bundle& bundle, std::span<const Slicer> slicers,
               Report& report) {
  const double price = cascade::price_of_forwarding(report.costs, bundle.schema);
  report.n_rows = totals.cascade.actions.rows();
  report.n_bad = totals.cascade.actions.bad();
  report.n_by_level = totals.n_by_level;
  report.ways.push_back(
      way_of("cascade", totals.cascade, figures_of(totals.cascade, report.costs, totals.n_forwarded, price)));
  if (totals.without_rules.actions.rows() > 0)
    report.ways.push_back(
        way_of("without_rules", totals.without_rules,
               figures_of(totals.without_rules, report.costs, totals.n_without_rules_forwarded, price)));
  report.ways.push_back(way_of("forest", totals.forest, figures_of(totals.forest, report.costs)));
  if (const auto n = totals.network.actions.rows(); n > 0)
    report.ways.push_back(way_of("network", totals.network, figures_of(totals.network, report.costs, n, price)));
  report.gap_recovered = gap_recovered(report);
  report.inside = band_of(totals, report.costs, price);
  report.scores = bars_of(totals.forest.scores);
  for (std::size_t s = 0; s < slicers.size(); ++s) {
    report.slice_tables.push_back(table_of(totals.slices[s], slicers[s], report.costs, price));
    if (totals.slices[s].count(kOtherSlice) > 0)
      report.warnings.push_back("column \"" + slicers[s].column() + "\" has more than " + std::to_string(kMaxSlices) +
                                " slices: the others are combined in " + kOtherSlice);
  }
}

ChallengerReport summarize_challenger(const Accumulator& totals, const cascade::Bundle& challenger,
                                      const Report& report) {
  ChallengerReport result{.bundle = challenger.digest.hex()};
  result.figures = figures_of(totals.challenger, report.costs, totals.n_challenger_forwarded,
                              cascade::price_of_forwarding(report.costs, challenger.schema));
  result.forward_rate = share(totals.n_challenger_forwarded, result.figures.n_rows);
  result.cost_difference = result.figures.cost - report.ways.front().figures.cost;
  std::uint64_t n[2][2][2] = {};  // [approved][approved by the challenger][is_bad]
  for (std::size_t from = 0; from < kActions; ++from)
    for (std::size_t to = 0; to < kActions; ++to)
      for (std::size_t y = 0; y < 2; ++y)
        n[static_cast<Action>(from) == Action::approve][static_cast<Action>(to) == Action::approve][y] +=
            totals.swaps.n[from][to][y];
  const auto cell = [](const std::uint64_t(&by_label)[2]) {
    return SwapCell{by_label[0] + by_label[1], share(by_label[1], by_label[0] + by_label[1])};
  };
  result.both = cell(n[1][1]);
  result.swapped_in = cell(n[0][1]);
  result.swapped_out = cell(n[1][0]);
  result.neither = cell(n[0][0]);
  return result;
}

std::vector<LevelReport> summarize_levels(const Accumulator& totals, const cascade::Bundle& bundle,
                                          const cascade::Costs& costs) {
  const std::string l2 = bundle.fallback ? "the forest is down: fallback rules"
                                         : "the forest is down, and the bundle has no fallback rules: safe default";
  return {{"L1", "the network is down: the forest alone, with L1's cut-offs inside the band",
           figures_of(totals.degraded[0], costs)},
          {"L2", l2, figures_of(totals.degraded[1], costs)},
          {"L3", "models and fallback rules are down: safe default", figures_of(totals.degraded[2], costs)}};
}

}  // namespace sluice::backtest
