#include "sluice/backtest/impact.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "sluice/backtest/accumulate.h"
#include "sluice/backtest/bundle_costs.h"
#include "sluice/backtest/impact_counts.h"
#include "sluice/backtest/slicer.h"
#include "sluice/base/error.h"

namespace sluice::backtest {
namespace {

/// Counts of rows by the text of one column.
struct Column {
  std::size_t place = 0;
  bool is_protected = false;
  std::vector<std::string> first_texts;  // kept until the intervals of its numbers are learnt
  std::optional<Slicer> slicer;
  std::map<std::string, Matrix> segments;

  Matrix& segment(const std::string& name) {
    const auto found = segments.find(name);
    if (found != segments.end()) return found->second;
    return segments[segments.size() < kMaxSlices ? name : kOtherSlice];
  }
};

double share(std::uint64_t n, std::uint64_t of) {
  return of == 0 ? kNoFigure : static_cast<double>(n) / static_cast<double>(of);
}

ImpactSegment segment_of(const std::string& name, const ImpactMatrix& matrix, const Costs& costs) {
  ImpactSegment segment{.name = name};
  std::uint64_t approved_before = 0, approved_after = 0, n_priced = 0;
  double change = 0;
  for_each_cell(matrix, [&](Action from, Action to, const ImpactCell& cell) {
    segment.n_rows += cell.n_rows;
    if (from != to) segment.n_changed += cell.n_rows;
    if (from == Action::approve) approved_before += cell.n_rows;
    if (to == Action::approve) approved_after += cell.n_rows;
    n_priced += cell.n_good + cell.n_bad + cell.n_expected;
    change += cost_of(costs, to, cell) - cost_of(costs, from, cell);
  });
  segment.approve_before = share(approved_before, segment.n_rows);
  segment.approve_after = share(approved_after, segment.n_rows);
  if (n_priced > 0) segment.cost_change = change;
  return segment;
}

/// Each group's approval rate divided by the highest approval rate of all groups.
void add_impact_ratios(ImpactTable& table) {
  double max_before = 0, max_after = 0;
  for (const auto& segment : table.segments) {
    max_before = std::max(max_before, segment.approve_before);
    max_after = std::max(max_after, segment.approve_after);
  }
  for (auto& segment : table.segments) {
    if (max_before > 0) segment.impact_before = segment.approve_before / max_before;
    if (max_after > 0) segment.impact_after = segment.approve_after / max_after;
  }
}

}  // namespace

struct ImpactTally::State {
  /// Changes of one pair of actions that may be among the largest for any costs. Changes whose cost does not depend on
  /// p: the first in the rows' order. Of the others: the lowest and highest p, because the change is linear in p.
  struct Candidates {
    std::array<std::vector<ImpactChange>, 3> bad_good_unknown;
    std::vector<ImpactChange> lowest, highest;
  };

  const cascade::Bundle &before, &after;
  ImpactOptions options;
  std::optional<Costs> costs_known;
  Matrix actions;
  std::vector<Column> columns;
  std::vector<Change> first_changes;                                              // kept until the intervals are learnt
  std::array<std::array<Candidates, kImpactActions>, kImpactActions> candidates;  // [from][to]
  ImpactReport report;

  void add_column(std::size_t place) {
    for (const Column& column : columns)
      if (column.place == place) return;
    columns.push_back({.place = place, .is_protected = before.schema[place].is_protected});
  }

  void count(const ImpactRow& row, const Change& change) {
    actions.add(change);
    ++report.n_rows;
    report.n_changed += change.from != change.to;
    ++report.levels[at(row.before.level)][at(row.after.level)];
    report.before.n_forwarded += row.before.network.ran;
    report.after.n_forwarded += row.after.network.ran;
    report.n_without_late += row.after.network.ran && !row.before.network.ran && !row.has_late;
  }

  /// Intervals of numbers are learnt from the first kLearningRows rows, which are kept until then.
  void segment(const ImpactRow& row, const Change& change) {
    if (columns.empty()) return;
    for (Column& column : columns) {
      std::string text = before.schema.format_cell(column.place, row.inputs[column.place]);
      if (column.slicer)
        column.segment(column.slicer->name(text, row.row)).add(change);
      else
        column.first_texts.push_back(std::move(text));
    }
    if (columns.front().slicer) return;
    first_changes.push_back(change);
    if (first_changes.size() >= kLearningRows) learn();
  }

  void learn() {
    for (Column& column : columns) {
      const auto& schema_column = before.schema[column.place];
      column.slicer = Slicer::by_values(schema_column.name, schema_column.kind, column.first_texts);
      for (std::size_t i = 0; i < first_changes.size(); ++i)
        column.segment(column.slicer->name(column.first_texts[i], i)).add(first_changes[i]);
      column.first_texts.clear();
    }
    first_changes.clear();
  }

  void list(const ImpactRow& row, const Change& change) {
    if (change.from == change.to) return;
    const ImpactChange listed{.row = row.row,
                              .id = std::string(row.id),
                              .from = change.from,
                              .to = change.to,
                              .level_from = row.before.level,
                              .level_to = row.after.level,
                              .p = change.p,
                              .is_bad = change.is_bad};
    Candidates& among = candidates[at(change.from)][at(change.to)];
    if (change.is_bad || std::isnan(change.p)) {
      auto& alike = among.bad_good_unknown[!change.is_bad ? 2 : *change.is_bad ? 0 : 1];
      if (alike.size() < options.max_listed) alike.push_back(listed);
      return;
    }
    keep(among.lowest, listed, [](const ImpactChange& a, const ImpactChange& b) { return a.p < b.p; });
    keep(among.highest, listed, [](const ImpactChange& a, const ImpactChange& b) { return a.p > b.p; });
  }

  template <class Before>
  void keep(std::vector<ImpactChange>& list, const ImpactChange& listed, const Before& before_in_list) {
    list.insert(std::upper_bound(list.begin(), list.end(), listed, before_in_list), listed);
    if (list.size() > options.max_listed) list.pop_back();
  }

  std::vector<ImpactChange> largest() const {
    std::map<std::uint64_t, ImpactChange> by_row;  // a change may be at both ends
    for (const auto& row : candidates)
      for (const Candidates& among : row) {
        for (const auto& list : among.bad_good_unknown)
          for (const auto& change : list) by_row.emplace(change.row, change);
        for (const auto* list : {&among.lowest, &among.highest})
          for (const auto& change : *list) by_row.emplace(change.row, change);
      }
    std::vector<ImpactChange> all;
    for (auto& [row, change] : by_row) {
      change.cost_change = cost_change(report.costs, {change.from, change.to, change.is_bad, change.p});
      all.push_back(std::move(change));
    }
    const auto weight = [](const ImpactChange& c) { return std::isnan(c.cost_change) ? 0 : std::abs(c.cost_change); };
    std::stable_sort(all.begin(), all.end(),
                     [&](const ImpactChange& a, const ImpactChange& b) { return weight(a) > weight(b); });
    all.resize(std::min(all.size(), options.max_listed));
    return all;
  }

  void choose_costs() {
    std::uint64_t n_known = 0;
    double n_bad = 0;
    for_each_cell(report.actions, [&](Action, Action, const ImpactCell& cell) {
      report.n_labelled += cell.n_good + cell.n_bad;
      report.n_expected += cell.n_expected;
      n_known += cell.n_good + cell.n_bad + cell.n_expected;
      n_bad += static_cast<double>(cell.n_bad) + cell.sum_p;
    });
    report.n_unpriced = report.n_rows - n_known;
    report.costs_from = options.costs ? "given" : costs_known ? "bundle" : "default";
    report.costs =
        costs_known ? *costs_known : Costs::for_bad_rate(n_known > 0 ? n_bad / static_cast<double>(n_known) : 0);
    report.price = price_of_forwarding(report.costs, before.schema);
  }

  void finish_sides() {
    std::array<std::uint64_t, kImpactActions> n_before{}, n_after{};
    double cost_before = 0, cost_after = 0;
    for_each_cell(report.actions, [&](Action from, Action to, const ImpactCell& cell) {
      n_before[at(from)] += cell.n_rows;
      n_after[at(to)] += cell.n_rows;
      cost_before += cost_of(report.costs, from, cell);
      cost_after += cost_of(report.costs, to, cell);
    });
    for (std::size_t from = 0; from < kImpactLevels; ++from)
      for (std::size_t to = 0; to < kImpactLevels; ++to) {
        report.before.n_by_level[from] += report.levels[from][to];
        report.after.n_by_level[to] += report.levels[from][to];
      }
    const auto finish = [&](ImpactSide& side, const auto& n, double cost, std::int64_t version) {
      side.policy_version = version;
      side.approve_rate = share(n[at(Action::approve)], report.n_rows);
      side.review_rate = share(n[at(Action::review)], report.n_rows);
      side.decline_rate = share(n[at(Action::decline)], report.n_rows);
      if (report.n_unpriced < report.n_rows) side.cost = cost + report.price * static_cast<double>(side.n_forwarded);
    };
    finish(report.before, n_before, cost_before, before.policy.version);
    finish(report.after, n_after, cost_after, after.policy.version);
  }

  ImpactTable table_of(const Column& column) const {
    ImpactTable table{
        .column = before.schema[column.place].name, .kind = column.slicer->kind(), .is_protected = column.is_protected};
    std::set<std::string> named;
    const auto put = [&](const std::string& name) {
      const auto found = column.segments.find(name);
      if (found != column.segments.end() && named.insert(name).second)
        table.segments.push_back(segment_of(name, found->second.finish(), report.costs));
    };
    for (const auto& name : column.slicer->interval_names()) put(name);
    for (const auto& [name, matrix] : column.segments) put(name);
    if (table.is_protected) add_impact_ratios(table);
    return table;
  }
};

ImpactTally::ImpactTally(const cascade::Bundle& before, const cascade::Bundle& after, ImpactOptions options)
    : state_(new State{.before = before, .after = after, .options = std::move(options)}) {
  State& state = *state_;
  state.costs_known = state.options.costs ? state.options.costs : costs_of(before);
  for (const auto& name : state.options.by) state.add_column(before.schema.index_of(name));
  for (std::size_t c = 0; c < before.schema.size(); ++c)
    if (before.schema[c].is_protected) state.add_column(c);
}

ImpactTally::~ImpactTally() = default;

void ImpactTally::add(const ImpactRow& row) {
  const Change change{row.before.action, row.after.action, row.is_bad, probability_of(row.before, row.after)};
  state_->count(row, change);
  state_->segment(row, change);
  state_->list(row, change);
}

ImpactReport ImpactTally::report() {
  State& state = *state_;
  ImpactReport& report = state.report;
  if (report.n_rows == 0) throw Error("impact.no_rows", "there are no decisions to compare");
  if (!state.columns.empty() && !state.columns.front().slicer) state.learn();
  report.bundle = state.before.digest.hex();
  report.differences = cascade::differences(state.before.policy, state.after.policy);
  report.actions = state.actions.finish();
  state.choose_costs();
  state.finish_sides();
  for (const Column& column : state.columns) report.tables.push_back(state.table_of(column));
  report.largest = state.largest();
  return std::move(report);
}

}  // namespace sluice::backtest
