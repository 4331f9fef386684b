#include "sluice/backtest/report_json.h"

#include <nlohmann/json.hpp>

#include "sluice/backtest/costs_json.h"

namespace sluice::backtest {
namespace {

using Json = nlohmann::ordered_json;  // NaN is written as null

Json figures_json(const Figures& f) {
  return {{"rows", f.n_rows},
          {"scored", f.n_scored},
          {"auc", f.auc},
          {"auc_bound", f.auc_bound},
          {"gini", f.gini},
          {"ks", f.ks},
          {"pr_auc", f.pr_auc},
          {"log_loss", f.log_loss},
          {"brier", f.brier},
          {"calibration_error", f.calibration_error},
          {"approve_rate", f.approve_rate},
          {"review_rate", f.review_rate},
          {"decline_rate", f.decline_rate},
          {"bad_rate_approved", f.bad_rate_approved},
          {"cost", f.cost}};
}

Json way_json(const Way& way) {
  Json roc = Json::array(), calibration = Json::array();
  for (const RocPoint& point : way.roc) roc.push_back({point.false_positive_rate, point.true_positive_rate});
  for (const CalibrationBin& bin : way.calibration)
    calibration.push_back({{"mean_p", bin.mean_p}, {"bad_rate", bin.bad_rate}, {"rows", bin.n_rows}});
  return {{"name", way.name}, {"figures", figures_json(way.figures)}, {"roc", roc}, {"calibration", calibration}};
}

Json policy_json(const Report& report) {
  Json band = nullptr;
  if (report.band) {
    band = {{"low", report.band->low}, {"high", report.band->high}, {"closed", report.band->closed}};
    if (report.band->min_gain) band["min_gain"] = *report.band->min_gain;
  }
  return {{"version", report.policy_version},
          {"band", band},
          {"L0",
           {{"approve_below", report.level0.approve_below},
            {"decline_from", report.level0.decline_from},
            {"otherwise", rules::to_string(report.level0.otherwise)}}}};
}

Json inside_json(const BandReport& inside) {
  Json flips = Json::array();
  for (const Flip& flip : inside.flips)
    flips.push_back({{"from", rules::to_string(flip.from)},
                     {"to", rules::to_string(flip.to)},
                     {"rows", flip.n_rows},
                     {"bad", flip.n_bad},
                     {"better", flip.n_better},
                     {"worse", flip.n_worse},
                     {"cost_change", flip.cost_change}});
  return {{"in_band", inside.n_in_band},
          {"forwarded", inside.n_forwarded},
          {"forward_rate", inside.forward_rate},
          {"forest", figures_json(inside.forest)},
          {"network", figures_json(inside.network)},
          {"flips", flips}};
}

Json slice_table_json(const SliceTable& table) {
  Json slices = Json::array();
  for (const SliceReport& s : table.slices)
    slices.push_back({{"name", s.name},
                      {"rows", s.n_rows},
                      {"bad_rate", s.bad_rate},
                      {"auc", s.auc},
                      {"auc_bound", s.auc_bound},
                      {"forward_rate", s.forward_rate},
                      {"approve_rate", s.approve_rate},
                      {"cost", s.cost},
                      {"psi", s.psi}});
  return {{"column", table.column},
          {"kind", table.kind},
          {"edges", table.edges},
          {"psi_reference", table.reference},
          {"slices", slices}};
}

Json challenger_json(const ChallengerReport& c) {
  const auto cell = [](const SwapCell& swap) { return Json{{"rows", swap.n_rows}, {"bad_rate", swap.bad_rate}}; };
  return {{"bundle", c.bundle},
          {"figures", figures_json(c.figures)},
          {"forward_rate", c.forward_rate},
          {"approvals",
           {{"both", cell(c.both)},
            {"swapped_in", cell(c.swapped_in)},
            {"swapped_out", cell(c.swapped_out)},
            {"neither", cell(c.neither)}}},
          {"cost_difference", c.cost_difference}};
}

}  // namespace

std::string report_json(const Report& report) {
  Json json = {{"bundle", "sha256:" + report.bundle},
               {"data", report.data},
               {"label", report.label},
               {"rows", report.n_rows},
               {"bad", report.n_bad},
               {"policy", policy_json(report)},
               {"costs", costs_json(report.costs_from, report.costs, report.inside.price)},
               {"levels_seen",
                {{"L0", report.n_by_level[0]},
                 {"L1", report.n_by_level[1]},
                 {"L2", report.n_by_level[2]},
                 {"L3", report.n_by_level[3]}}},
               {"gap_recovered", report.gap_recovered},
               {"ways", Json::array()},
               {"inside", inside_json(report.inside)},
               {"scores", Json::array()},
               {"levels", Json::array()},
               {"slice_tables", Json::array()},
               {"challenger", report.challenger ? challenger_json(*report.challenger) : Json(nullptr)},
               {"warnings", report.warnings}};
  for (const Way& way : report.ways) json["ways"].push_back(way_json(way));
  for (const HistogramBar& bar : report.scores)
    json["scores"].push_back(
        {{"logit_low", bar.logit_low}, {"logit_high", bar.logit_high}, {"good", bar.good}, {"bad", bar.bad}});
  for (const LevelReport& level : report.levels)
    json["levels"].push_back({{"level", level.name}, {"what", level.what}, {"figures", figures_json(level.figures)}});
  for (const SliceTable& table : report.slice_tables) json["slice_tables"].push_back(slice_table_json(table));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::backtest
