#include "sluice/cli/verbs/bundle_promote.h"

#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>

#include "sluice/backtest/runner.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
#include "sluice/cascade/rollout/bundle_install.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"

namespace sluice::cli {
namespace {

struct Given {
  std::string candidate, target, data, label, positive, costs, metric = "cost", who, why;
  double min_gain = 0;
  CommonOptions common;
};

/// The metric of both bundles. value() is the candidate's improvement in the metric's unit; below 0 is worse.
struct Gain {
  double now = 0, candidate = 0;
  double value(const std::string& metric) const { return metric == "auc" ? candidate - now : now - candidate; }
};

double figure(const backtest::Figures& figures, const std::string& metric) {
  return metric == "auc" ? figures.auc : metric == "log_loss" ? figures.log_loss : figures.cost;
}

Gain measure(const Given& given) {
  const cascade::Engine now(load_bundle(given.target, given.common)),
      candidate(load_bundle(given.candidate, given.common));
  ThreadPool pool(given.common.n_threads);
  backtest::BacktestOptions settings;
  settings.data_name = std::filesystem::path(given.data).filename().string();
  if (!given.costs.empty()) settings.costs = cascade::Costs::from_json(read_file(given.costs), given.costs);
  auto rows = backtest::reader_options(settings, given.label, given.positive);
  rows.pool = &pool;
  const auto reader = open_rows(given.data, now.bundle().schema, rows),
             candidates = open_rows(given.data, candidate.bundle().schema, rows);
  const backtest::Challenger challenger{candidate, *candidates};
  const auto report = backtest::run(now, *reader, settings, pool, make_progress(given.common.quiet), &challenger);
  end_progress();
  print_warnings(*reader);
  return {figure(report.way("cascade")->figures, given.metric), figure(report.challenger->figures, given.metric)};
}

void print(const Given& given, const std::optional<Gain>& gain, bool is_promoted, const std::string& why_not) {
  if (given.common.json) {
    std::string text;
    JsonText json(text);
    json.open('{').field("promoted", is_promoted).field("metric", given.metric);
    if (gain) json.field("now", gain->now).field("candidate", gain->candidate).field("gain", gain->value(given.metric));
    json.text_or_null("why_not", why_not).close('}');
    std::cout << text << "\n";
    return;
  }
  if (gain)
    std::cout << given.metric << " in service " << fixed(gain->now, 6) << ", candidate " << fixed(gain->candidate, 6)
              << ", gain " << fixed(gain->value(given.metric), 6) << "\n";
  std::cout << (is_promoted ? "promoted: " + given.target : "not promoted: " + why_not) << "\n";
}

bool is_in_service(const Given& given) {
  return std::filesystem::exists(given.target) &&
         cascade::Bundle::load(given.candidate).digest == cascade::Bundle::load(given.target).digest;
}

}  // namespace

int promote_bundle(const Arguments& arguments) {
  Given given;
  Options options(
      "bundle promote",
      "Replaces a bundle with another one if that does better on labelled rows. Keeps the old bundle as "
      "TARGET.previous and appends the change to TARGET.history.jsonl. Exit code 3 if it does not do better.",
      "sluice bundle promote bundle --to live --data transactions.csv --label fraud");
  options.positional("CANDIDATE", given.candidate, "folder of the bundle to promote")
      .required("--to", given.target, "folder of the bundle in service; if absent, nothing is compared")
      .required("--data", given.data, "labelled CSV or Arrow IPC file that neither bundle was trained on")
      .required("--label", given.label, "column of the outcome (label) of a row");
  options.text("--positive", given.positive, "label text that counts as 1")
      .text("--costs", given.costs,
            "costs.json: the cost of mistakes; default: the costs that the bundle was trained for")
      .choice("--metric", given.metric, {"cost", "log_loss", "auc"},
              "metric that must improve: cost of whole decisions, or log_loss or auc of p")
      .number("--min-gain", given.min_gain, "required improvement, in the metric's unit (cost: per row)")
      .text("--by", given.who, "who promotes it, for the history")
      .text("--why", given.why, "reason, for the history");
  given.common.add_threads(options);
  given.common.add_device(options);
  given.common.add_plugins(options);
  given.common.add_quiet(options);
  given.common.add_json(options);
  if (!options.parse(arguments)) return 0;

  std::optional<Gain> gain;
  if (is_in_service(given)) {
    print(given, gain, false, "it is in service already");
    return 0;
  }
  if (std::filesystem::exists(given.target)) {
    gain = measure(given);
    const double value = gain->value(given.metric);
    if (!(value >= given.min_gain)) {
      print(given, gain, false, std::isnan(value) ? "there is nothing to compare" : "the gain is below --min-gain");
      return kFound;
    }
  }
  cascade::install_bundle(given.candidate, given.target, given.who, given.why);
  print(given, gain, true, "");
  return 0;
}

}  // namespace sluice::cli
