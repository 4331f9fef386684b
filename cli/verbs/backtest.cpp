#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>

#include "sluice/backtest/report_html.h"
#include "sluice/backtest/report_json.h"
#include "sluice/backtest/runner.h"
#include "sluice/base/file.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"

namespace sluice::cli {
namespace {

std::string percent(double share) { return std::isnan(share) ? "-" : fixed(100 * share, 1) + " %"; }

void print_summary(const backtest::Report& report) {
  std::vector<std::vector<std::string>> rows = {
      {"", "AUC", "KS", "log-loss", "calibration error", "approved", "bad among approved", "cost per row"}};
  for (const backtest::Way& way : report.ways) {
    const backtest::Figures& f = way.figures;
    rows.push_back({way.name == "without_rules" ? "without rules" : way.name, fixed(f.auc, 4), fixed(f.ks, 4),
                    fixed(f.log_loss, 5), fixed(f.calibration_error, 5), percent(f.approve_rate),
                    percent(f.bad_rate_approved), fixed(f.cost, 4)});
  }
  std::cout << format_table(rows);
  std::vector<std::vector<std::string>> more = {{"rows", std::to_string(report.n_rows)},
                                                {"forwarded", percent(report.inside.forward_rate)},
                                                {"gap recovered", percent(report.gap_recovered)}};
  for (const backtest::LevelReport& level : report.levels)
    more.push_back({"cost at " + level.name, fixed(level.figures.cost, 4)});
  if (report.challenger) more.push_back({"challenger's cost", fixed(report.challenger->figures.cost, 4)});
  std::cout << format_table(more);
}

void write_reports(const backtest::Report& report, const std::filesystem::path& folder, bool as_json) {
  const auto json_path = folder / "report.json", html_path = folder / "report.html";
  const std::string json = backtest::report_json(report);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);  // if it fails, writing reports the error
  write_file(json_path, json);
  write_file(html_path, backtest::report_html(report));
  if (as_json) {
    std::cout << json;
    return;
  }
  print_summary(report);
  std::cout << "\n" << json_path.string() << "\n" << html_path.string() << "\n";
}

backtest::Period parse_period(const std::string& word) {
  return word == "day" ? backtest::Period::day : word == "week" ? backtest::Period::week : backtest::Period::month;
}

/// The challenger's engine, and a second reader of the same data for it.
struct ChallengerBundle {
  cascade::Engine engine;
  std::unique_ptr<io::RowReader> reader;

  ChallengerBundle(const std::string& path, const CommonOptions& common, const std::string& data,
                   io::RowReaderOptions options)
      : engine(load_bundle(path, common)), reader(open_rows(data, engine.bundle().schema, std::move(options))) {
    print_warnings(engine);
  }
};

}  // namespace

int run_backtest(const Arguments& arguments) {
  std::string bundle_path, data, label, positive, out, challenger_path, costs_path, by = "month";
  backtest::BacktestOptions settings;
  CommonOptions common;
  Options options(
      "backtest",
      "Reports what a bundle would have done over labelled history, compared with its forest alone and with its "
      "network "
      "for all rows.",
      "sluice backtest --bundle bundle --data transactions.csv --label fraud --out backtest --time timestamp --by week "
      "--levels");
  options.required("--bundle", bundle_path, "folder of the bundle")
      .required("--data", data, "CSV or Arrow IPC; - for standard input")
      .required("--label", label, "column of the outcome (label) of a row")
      .required_output("--out", out, "output folder for report.json and report.html");
  options.text("--positive", positive, "label text that counts as 1")
      .text("--costs", costs_path,
            "costs.json: the cost of mistakes; default: the costs that the bundle was trained for");
  options.text("--time", settings.time_column, "time column: also report by period")
      .choice("--by", by, {"day", "week", "month"}, "length of a period");
  options.list("--slice", settings.slice_columns, "columns: also report each of their values")
      .text("--challenger", challenger_path, "second bundle to compare on the same rows")
      .flag("--levels", settings.levels, "also report what L1, L2 and L3 would have done");
  common.add_threads(options);
  common.add_device(options);
  common.add_plugins(options);
  common.add_quiet(options);
  common.add_json(options);
  if (!options.parse(arguments)) return 0;
  if (!challenger_path.empty() && data == "-")
    throw UsageError("sluice backtest: --challenger reads the data twice; give a file, not standard input");

  settings.by = parse_period(by);
  settings.data_name = data == "-" ? "standard input" : std::filesystem::path(data).filename().string();
  if (!costs_path.empty()) settings.costs = cascade::Costs::from_json(read_file(costs_path), costs_path);
  const cascade::Engine engine(load_bundle(bundle_path, common));
  print_warnings(engine);
  ThreadPool pool(common.n_threads);
  auto rows_options = backtest::reader_options(settings, label, positive);
  rows_options.pool = &pool;
  const auto reader = open_rows(data, engine.bundle().schema, rows_options);
  std::optional<ChallengerBundle> second;
  if (!challenger_path.empty()) second.emplace(challenger_path, common, data, rows_options);
  const auto challenger =
      second ? std::optional<backtest::Challenger>({second->engine, *second->reader}) : std::nullopt;
  const auto report =
      backtest::run(engine, *reader, settings, pool, make_progress(common.quiet), challenger ? &*challenger : nullptr);
  end_progress();
  print_warnings(*reader);
  for (const auto& warning : report.warnings) warn(warning);

  write_reports(report, out, common.json);
  return 0;
}

}  // namespace sluice::cli
