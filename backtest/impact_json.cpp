#include <nlohmann/json.hpp>

#include "sluice/backtest/costs_json.h"
#include "sluice/backtest/impact_report.h"

namespace sluice::backtest {
namespace {

using Json = nlohmann::ordered_json;  // NaN is written as null

const char* name_of(std::size_t action) { return rules::to_string(static_cast<cascade::Action>(action)); }

Json log_json(const ImpactReport& report) {
  if (!report.log) return nullptr;
  const ImpactLog& log = *report.log;
  return {{"log", log.log},
          {"root", log.root},
          {"entries", log.n_entries},
          {"covered", log.n_covered},
          {"different", log.n_different},
          {"erased", log.n_erased},
          {"other_bundle", log.n_other_bundle},
          {"differences", log.differences}};
}

Json side_json(const ImpactSide& side) {
  return {{"policy_version", side.policy_version},
          {"approve_rate", side.approve_rate},
          {"review_rate", side.review_rate},
          {"decline_rate", side.decline_rate},
          {"cost", side.cost},
          {"forwarded", side.n_forwarded},
          {"levels", side.n_by_level}};
}

Json actions_json(const ImpactReport& report) {
  Json cells = Json::array();
  for (std::size_t from = 0; from < kImpactActions; ++from)
    for (std::size_t to = 0; to < kImpactActions; ++to) {
      const ImpactCell& cell = report.actions[from][to];
      if (cell.n_rows == 0) continue;
      cells.push_back({{"from", name_of(from)},
                       {"to", name_of(to)},
                       {"rows", cell.n_rows},
                       {"good", cell.n_good},
                       {"bad", cell.n_bad},
                       {"expected", cell.n_expected},
                       {"sum_p", cell.sum_p}});
    }
  return cells;
}

Json levels_json(const ImpactReport& report) {
  Json cells = Json::array();
  for (std::size_t from = 0; from < kImpactLevels; ++from)
    for (std::size_t to = 0; to < kImpactLevels; ++to)
      if (report.levels[from][to] > 0)
        cells.push_back({{"from", cascade::to_string(static_cast<cascade::Level>(from))},
                         {"to", cascade::to_string(static_cast<cascade::Level>(to))},
                         {"rows", report.levels[from][to]}});
  return cells;
}

Json report_costs(const ImpactReport& report) {
  Json json = costs_json(report.costs_from, report.costs, report.price);
  json["rows_by_label"] = report.n_labelled;
  json["rows_by_probability"] = report.n_expected;
  json["rows_unknown"] = report.n_unpriced;
  return json;
}

Json table_json(const ImpactTable& table) {
  Json segments = Json::array();
  for (const ImpactSegment& s : table.segments)
    segments.push_back({{"name", s.name},
                        {"rows", s.n_rows},
                        {"changed", s.n_changed},
                        {"approve_before", s.approve_before},
                        {"approve_after", s.approve_after},
                        {"impact_ratio_before", s.impact_before},
                        {"impact_ratio_after", s.impact_after},
                        {"cost_change", s.cost_change}});
  return {{"column", table.column}, {"kind", table.kind}, {"protected", table.is_protected}, {"segments", segments}};
}

Json change_json(const ImpactChange& change) {
  return {{"row", change.row},
          {"id", change.id.empty() ? Json(nullptr) : Json(change.id)},
          {"from", rules::to_string(change.from)},
          {"to", rules::to_string(change.to)},
          {"level_from", cascade::to_string(change.level_from)},
          {"level_to", cascade::to_string(change.level_to)},
          {"p", change.p},
          {"bad", change.is_bad ? Json(*change.is_bad) : Json(nullptr)},
          {"cost_change", change.cost_change}};
}

}  // namespace

std::string impact_json(const ImpactReport& report) {
  Json differences = Json::array(), tables = Json::array(), largest = Json::array();
  for (const auto& d : report.differences)
    differences.push_back({{"pointer", d.pointer}, {"before", d.before}, {"after", d.after}});
  for (const auto& table : report.tables) tables.push_back(table_json(table));
  for (const auto& change : report.largest) largest.push_back(change_json(change));
  const Json json = {{"bundle", "sha256:" + report.bundle},
                     {"data", report.data},
                     {"log", log_json(report)},
                     {"policy", differences},
                     {"rows", report.n_rows},
                     {"changed", report.n_changed},
                     {"changed_share", report.changed_share()},
                     {"before", side_json(report.before)},
                     {"after", side_json(report.after)},
                     {"actions", actions_json(report)},
                     {"levels", levels_json(report)},
                     {"costs", report_costs(report)},
                     {"without_late_columns", report.n_without_late},
                     {"segments", tables},
                     {"largest", largest}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::backtest
