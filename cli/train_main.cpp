#include "sluice/training/train.h"

#include <cmath>
#include <cstdio>
#include <iostream>

#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/gbdt/train/booster.h"
#include "sluice/io/csv.h"
#ifdef SLUICE_HAVE_TORCH
#include "sluice/dnn/train/trainer.h"
#endif

namespace sluice::cli {
namespace {

void print_report(const training::TrainReport& report, const std::string& out, const Digest& digest) {
  std::cout << "rows: " << report.n_train << " train, " << report.n_valid << " validation, " << report.n_test
            << " held out; bad rate " << fixed(100 * report.bad_rate, 2) << " %\n\n";
  std::vector<std::vector<std::string>> rows = {
      {"held out", "AUC", "log-loss", "calibration error", "cost per row", "forwarded"}};
  for (const auto& f : report.figures)
    rows.push_back({f.name, fixed(f.auc, 4), fixed(f.log_loss, 4), fixed(f.calibration_error, 4), fixed(f.cost, 4),
                    fixed(100 * f.share_forwarded, 1) + " %"});
  std::cout << format_table(rows);
  if (report.share_of_cost_reduction)
    std::cout << "\nthe cascade keeps this share of the cost that the network for all rows saves: "
              << fixed(100 * *report.share_of_cost_reduction, 1) << " %\n";
  if (report.band.band) std::cout << "band: " << to_string(*report.band.band) << "\n";
  std::cout << "bundle: " << out << "  sha256:" << digest.hex() << "\n";
}

/// The trainer reports an epoch before its progress, one at a time: the two lines do not interleave.
void print_epoch(const dnn::EpochReport& epoch) {
  char text[160];
  std::snprintf(text, sizeof text,
                "network %zu  epoch %3zu  train loss %.5f  validation loss %.5f  AUC %.4f  rate %.2e%s", epoch.member,
                epoch.epoch, epoch.train_loss, epoch.loss, epoch.auc, epoch.learning_rate,
                epoch.is_best ? "  best" : "");
  note(text);
}

/// Copies the rows with these numbers, in ascending order, to a CSV file.
void write_rows(const std::string& data, const std::vector<std::size_t>& rows, const std::string& path) {
  const auto records = open_table(data);
  AtomicFile file(path);
  std::string line;
  const auto write = [&](const auto& fields) {
    line.clear();
    for (const auto& field : fields) {
      if (&field != &fields.front()) line += ',';
      io::append_csv_field(line, field);
    }
    file.write(line += '\n');
  };
  write(records->header());
  std::vector<std::string_view> fields;
  std::size_t row = 0;
  for (const std::size_t wanted : rows) {
    while (row <= wanted && records->next(fields)) ++row;
    write(fields);
  }
  file.commit();
}

void write_scores(const std::vector<training::RowScores>& scores, const std::string& path) {
  AtomicFile file(path);
  file.write("row,part,label,p_one_forest,p_best_forest,p_forest,p_network,forwarded\n");
  const auto number = [](double x) { return std::isnan(x) ? std::string() : number_text(x); };
  for (const auto& s : scores)
    file.write(std::to_string(s.row) + "," + s.part + "," + (s.label > 0.5f ? "1," : "0,") + number(s.p_single) + "," +
               number(s.p_best) + "," + number(s.p_forest) + "," + number(s.p_network) +
               (s.is_forwarded ? ",1\n" : ",0\n"));
  file.commit();
}

/// The flags as typed; `apply` transfers them to the request.
struct TrainFlags {
  std::string out, held_out, scores, schema, policy, rules, forest, config, costs, network, serve;
  std::uint64_t n_search = 0, n_folds = 0;  // 0: the configuration's
  CommonOptions common;

  void declare(Options& options, training::TrainRequest& request) {
    options.required("--data", request.data, "labelled CSV or Arrow IPC file")
        .required("--label", request.columns.label, "label column")
        .required_output("--out", out, "output folder of the bundle");
    options.text("--positive", request.positive, "label text that counts as 1");
    options.text("--id", request.columns.id, "column that identifies a request; never a feature");
    options.text("--time", request.columns.time, "time column: the latest rows become the validation and test parts");
    options.text("--split", request.split, "column with train, valid or test for each row; never a feature");
    options.list("--late", request.columns.late,
                 "columns fetched only for forwarded rows; only the network reads them");
    options.list("--drop", request.columns.drop, "columns to omit");
    options.list("--protected", request.columns.is_protected, "columns kept for slices; no model reads them");
    options.text("--schema", schema, "schema.json, instead of a learnt schema")
        .text("--policy", policy, "policy.json, instead of a learnt policy");
    options.text("--rules", rules, "folder with pre.json, fallback.json, post.json")
        .text("--forest", forest, "XGBoost JSON model to use unchanged");
    options
        .choice("--network", network, {"none", "tabm", "mlp", "embedding"},
                "kind of network for the second stage; default: --config's, else tabm")
        .text("--costs", costs, "costs.json: the cost of mistakes");
    options.output("--scores", scores, "output CSV file for the scores of each stage for every row");
    options.output("--held-out", held_out, "output CSV file for the held-out rows, for backtest");
    options.text("--config", config, "train.json: settings of forest, network and band; flags override it");
    options.integer("--search", n_search, "forest configurations to try; 0 for the default")
        .integer("--folds", n_folds, "folds of the out-of-fold margins; 0 for the default");
    options.choice("--serve", serve, {"bag", "refit"},
                   "refit: serve the mean of forests trained on all training rows (default); bag: of the fold forests");
    options.flag("--baseline", request.with_baseline, "also report a baseline: XGBoost with 300 trees of depth 6");
    common.add_threads(options);
    common.add_seed(options);
    common.add_quiet(options);
    common.add_json(options);
  }

  void apply(training::TrainRequest& request) const {
    if (!config.empty()) training::apply_config(read_file(config), config, request);
    if (!schema.empty() &&
        !(request.columns.late.empty() && request.columns.drop.empty() && request.columns.is_protected.empty()))
      throw UsageError(
          "sluice train: --schema excludes --late, --drop and --protected\n  hint: describe these columns in the "
          "schema "
          "file");
    if (n_folds == 1 || n_folds > 20) throw UsageError("sluice train: --folds must be 2 to 20");
    if (n_search > 0) request.forest_options.n_search = n_search;
    if (n_folds > 0) request.forest_options.n_folds = n_folds;
    if (!serve.empty()) request.forest_options.serve_folds = serve == "bag";
    const auto set = [](auto& path, const std::string& text) {
      if (!text.empty()) path = text;
    };
    set(request.schema, schema);
    set(request.policy, policy);
    set(request.rules, rules);
    set(request.forest, forest);
    if (!costs.empty()) request.costs = cascade::Costs::from_json(read_file(costs), costs);
    request.with_network = network != "none";
    if (!network.empty() && request.with_network)
      request.network_options.members = dnn::MemberOptions::network_of(dnn::parse_network_kind(network));
    request.seed = request.network_options.seed = common.seed;
    const std::size_t n_threads = ThreadPool(common.n_threads).n_threads();
    request.forest_options.n_threads = static_cast<int>(n_threads);
    request.network_options.n_threads = n_threads;
  }
};

/// Prints one line per library, such as "xgboost 1.7.4", for `sluice doctor`.
int print_versions(const Arguments&) {
  std::cout << "xgboost " << gbdt::xgboost_version() << "\n";
#ifdef SLUICE_HAVE_TORCH
  std::cout << "torch " << dnn::torch_version() << "\n";
#endif
  return 0;
}

}  // namespace

int run_train(const Arguments& arguments) {
  training::TrainRequest request;
  TrainFlags flags;
  Options options("train",
                  "Learns schema, forest, calibration, network and band from labelled history; writes a bundle.",
                  "sluice train --data transactions.csv --label fraud --out bundle --schema examples/schema.json "
                  "--time timestamp --rules examples/rules --costs examples/costs.json --search 4 --network mlp");
  flags.declare(options, request);
  if (!options.parse(arguments)) return 0;
  flags.apply(request);
  cascade::check_bundle_target(flags.out);

  if (!flags.common.quiet) request.on_epoch = print_epoch;
  const auto result = training::train(request, make_progress(flags.common.quiet));
  end_progress();
  for (const auto& warning : result.report.warnings) warn(warning);
  if (!flags.held_out.empty()) write_rows(request.data, result.held_out, flags.held_out);
  if (!flags.scores.empty()) write_scores(result.scores, flags.scores);
  const Digest digest = cascade::write_bundle(flags.out, result.files, result.provenance);
  if (flags.common.json)
    std::cout << result.report.to_json();
  else
    print_report(result.report, flags.out, digest);
  return 0;
}

}  // namespace sluice::cli

int main(int argc, char** argv) {
  using namespace sluice::cli;
  return run_program("sluice-train",
                     {{"train", "learn a cascade and write a bundle", run_train},
                      {"versions", "print the versions of its libraries", print_versions}},
                     argc, argv);
}
