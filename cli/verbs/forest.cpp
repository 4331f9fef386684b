#include "sluice/gbdt/forest.h"

#include <charconv>
#include <functional>
#include <iostream>

#include "sluice/base/error.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/cli/verbs/forest_run.h"
#include "sluice/gbdt/interventional.h"
#include "sluice/gbdt/iterations.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/linear.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/predict_exact.h"
#include "sluice/gbdt/saabas.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/tree_shap.h"

namespace sluice::cli {
namespace {

std::vector<std::string> numbered(const std::string& name, std::size_t n) {
  if (n == 1) return {name};
  std::vector<std::string> names;
  for (std::size_t k = 0; k < n; ++k) names.push_back(name + "_" + std::to_string(k));
  return names;
}

int inspect_forest(const Arguments& arguments) {
  std::string model;
  Options options("forest inspect", "Shows the contents of a model.", "sluice forest inspect bundle/forest-0.json");
  options.positional("MODEL", model, "XGBoost JSON or UBJSON model, or LightGBM text model");
  if (!options.parse(arguments)) return 0;
  const auto forest = gbdt::load_forest(std::filesystem::path(model));
  std::uint32_t depth = 0;
  for (const auto& tree : forest.trees) depth = std::max(depth, tree.depth);
  const auto ran = [&](std::size_t n_rows) {
    const gbdt::Ran choice = gbdt::choice_of(forest, n_rows);
    return std::string(to_string(choice.kernel)) + " (" + std::string(to_string(choice.method)) + ")";
  };
  std::cout << "objective  " << forest.objective << "\ntrees      " << forest.n_file_trees() << ", depth up to "
            << depth << "\nnodes      " << forest.nodes.size() << "\nfeatures   " << forest.n_features
            << "\noutputs    " << forest.n_groups << "\nmemory     " << forest.memory_bytes() << " bytes\nkernels    "
            << ran(1) << " for one row, " << ran(4096) << " for many\n";
  for (const std::string& warning : forest.warnings) std::cout << "warning    " << warning << "\n";
  return 0;
}

/// "FIRST:LAST", rounds counted from 0, LAST excluded; "best" for the rounds that early stopping kept; "" for all.
gbdt::TreeRange rounds_of(const gbdt::Forest& forest, const std::string& text) {
  if (text.empty()) return {};
  if (text == "best") return best_iterations(forest);
  const auto refuse = [&]() -> std::size_t {
    throw UsageError("--rounds: \"" + text + "\" is neither FIRST:LAST nor best");
  };
  const auto number = [&](std::string_view part) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc() && end == part.data() + part.size() ? value : refuse();
  };
  const auto colon = text.find(':');
  if (colon == std::string::npos) refuse();
  return iterations(forest, number(std::string_view(text).substr(0, colon)),
                    number(std::string_view(text).substr(colon + 1)));
}

/// Throws UsageError for the first given flag: `with` excludes all of them.
void refuse_together(const std::string& verb, const std::string& with,
                     const std::vector<std::pair<const char*, bool>>& given) {
  for (const auto& [flag, is_given] : given)
    if (is_given) throw UsageError("sluice forest " + verb + ": " + with + " and " + flag + " exclude each other");
}

struct PredictFlags {
  ForestOptions forest;
  bool margin = false, leaf = false;
  std::string kernel = "auto", rounds;
};

int write_leaves(const gbdt::Forest& forest, ForestRun& run) {
  if (forest.trees.empty()) throw Error("forest.unsupported", "the model has no trees and therefore no leaves");
  std::vector<std::string> header;
  for (std::size_t t = 0; t < forest.n_file_trees(); ++t) header.push_back("leaf_" + std::to_string(t));
  run.run<std::int32_t>(header, [&](BatchView rows, std::vector<std::int32_t>& cells) {
    cells.resize(rows.n_rows * forest.n_file_trees());
    leaf_ids(forest, rows, cells);
  });
  return 0;
}

/// LightGBM's margins are doubles; everything else is float32.
int write_exact_margins(const gbdt::Forest& forest, ForestRun& run) {
  run.run<double>(numbered("margin", forest.n_groups), [&](BatchView rows, std::vector<double>& cells) {
    cells.resize(output_size(forest, rows.n_rows));
    predict_exact(forest, rows, cells);
  });
  return 0;
}

int predict(const Arguments& arguments) {
  PredictFlags flags;
  Options options(
      "forest predict",
      "Writes a model's predictions. XGBoost's are exact to the bit; LightGBM's are float32, and exact to the "
      "bit with --margin.",
      "sluice forest predict bundle/forest-0.json --schema bundle/schema.json --data transactions.csv "
      "--out predictions.csv");
  flags.forest.add(options);
  options.flag("--margin", flags.margin, "write margins (before the link) instead of predictions")
      .flag("--leaf", flags.leaf, "write leaf numbers instead of predictions")
      .text("--rounds", flags.rounds, "boosting rounds FIRST:LAST, or best; default: all")
      .text("--kernel", flags.kernel, "kernel: auto, scalar, avx2, avx512 or avx512-vbmi; all give the same bits");
  if (!options.parse(arguments)) return 0;
  if (flags.leaf)
    refuse_together(
        "predict", "--leaf",
        {{"--margin", flags.margin}, {"--rounds", !flags.rounds.empty()}, {"--kernel", flags.kernel != "auto"}});
  const auto kernel = gbdt::parse_kernel(flags.kernel);
  const auto forest = gbdt::load_forest(std::filesystem::path(flags.forest.model));
  for (const std::string& warning : forest.warnings) warn(warning);
  const auto trees = rounds_of(forest, flags.rounds);
  ForestRun run(schema_of(forest, flags.forest.data, flags.forest.schema), flags.forest);
  if (flags.leaf) return write_leaves(forest, run);
  choice_of(forest, 1, kernel);  // a named kernel that does not support the model is always an error
  if (flags.margin && !forest.exact_values.empty()) {
    if (!flags.rounds.empty())
      throw Error("forest.unsupported", "margins of some of the rounds need an XGBoost forest",
                  "omit --rounds, or save the LightGBM model with num_iteration");
    return write_exact_margins(forest, run);
  }
  const char* name = flags.margin ? "margin" : "prediction";
  run.run<float>(numbered(name, forest.n_groups), [&](BatchView rows, std::vector<float>& cells) {
    cells.resize(output_size(forest, rows.n_rows));
    gbdt::predict(forest, rows, cells, {.kernel = kernel, .trees = trees, .base_margin = {}, .pool = &run.pool()});
    if (!flags.margin) apply_link(forest, cells);
  });
  return 0;
}

struct ContribsFlags {
  ForestOptions forest;
  std::string background, kernel = "auto";
  bool approximate = false, audit = false;
};

/// Checks that the flags apply: a linear model has only one kind of values, and a named kernel must be available.
void check_contribs(const gbdt::Forest& forest, const ContribsFlags& flags) {
  if (!forest.linear.empty() &&
      (!flags.background.empty() || flags.approximate || flags.audit || flags.kernel != "auto"))
    throw Error("forest.unsupported",
                "a linear model has one kind of contributions: weight times feature, as XGBoost defines them",
                "omit --background, --approximate, --audit and --kernel");
  gbdt::resolve(gbdt::parse_kernel(flags.kernel));
}

/// Computes the attributions of rows: [n_rows, n_groups, n_features + 1].
using Attribute = std::function<void(BatchView rows, std::span<double> out)>;

Attribute attribution_by(const gbdt::Forest& forest, const ContribsFlags& flags, const Schema& schema,
                         ThreadPool& pool) {
  const auto precision = flags.audit ? gbdt::Precision::audit : gbdt::Precision::single;
  if (!forest.linear.empty())
    return [&forest](BatchView rows, std::span<double> out) { linear_contribs(forest, rows, out); };
  if (flags.approximate) return [&forest](BatchView rows, std::span<double> out) { saabas(forest, rows, out); };
  if (!flags.background.empty()) {
    const FloatTable background = read_all_rows(schema, flags.background, pool);
    return [&forest, &pool, tables = gbdt::InterventionalTables(forest, background.view(), {}, precision)](
               BatchView rows, std::span<double> out) { interventional_shap(forest, tables, rows, out, &pool); };
  }
  return [&forest, tables = gbdt::ShapTables(forest),
          options = gbdt::ShapOptions{gbdt::parse_kernel(flags.kernel), precision, &pool}](
             BatchView rows, std::span<double> out) { shap(forest, tables, rows, out, options); };
}

int contribs(const Arguments& arguments) {
  ContribsFlags flags;
  Options options("forest contribs", "Writes SHAP values of a model's margins; they and the bias add up to the margin.",
                  "sluice forest contribs bundle/forest-0.json --schema bundle/schema.json --data transactions.csv "
                  "--out contribs.csv");
  flags.forest.add(options);
  options
      .text("--background", flags.background,
            "table of background rows, for interventional values; default: path-dependent values")
      .flag("--audit", flags.audit, "compute and write in double precision")
      .flag("--approximate", flags.approximate, "write Saabas's approximation, for comparison")
      .text("--kernel", flags.kernel,
            "kernel of path-dependent values: auto, scalar, avx2, avx512 or avx512-vbmi; all give the same bits");
  if (!options.parse(arguments)) return 0;
  const bool has_kernel = flags.kernel != "auto", has_background = !flags.background.empty();
  if (flags.approximate)
    refuse_together("contribs", "--approximate",
                    {{"--background", has_background}, {"--audit", flags.audit}, {"--kernel", has_kernel}});
  if (has_background) refuse_together("contribs", "--background", {{"--kernel", has_kernel}});
  if (flags.audit) refuse_together("contribs", "--audit", {{"--kernel", has_kernel}});
  const auto forest = gbdt::load_forest(std::filesystem::path(flags.forest.model));
  for (const std::string& warning : forest.warnings) warn(warning);
  check_contribs(forest, flags);
  const Schema schema = schema_of(forest, flags.forest.data, flags.forest.schema);
  std::vector<std::string> header;
  for (std::size_t g = 0; g < forest.n_groups; ++g) {
    const std::string suffix = forest.n_groups == 1 ? "" : "_" + std::to_string(g);
    for (const auto& column : schema.columns()) header.push_back(column.name + suffix);
    header.push_back("bias" + suffix);
  }
  ForestRun run(schema, flags.forest);
  const Attribute attribute = attribution_by(forest, flags, schema, run.pool());
  std::vector<double> phi;
  if (flags.audit) {
    run.run<double>(header, [&](BatchView rows, std::vector<double>& cells) {
      cells.resize(gbdt::attribution_size(forest, rows.n_rows));
      attribute(rows, cells);
    });
    return 0;
  }
  run.run<float>(header,
                 [&](BatchView rows, std::vector<float>& cells) {  // float32: further digits would not be significant
                   phi.resize(gbdt::attribution_size(forest, rows.n_rows));
                   attribute(rows, phi);
                   cells.assign(phi.begin(), phi.end());
                 });
  return 0;
}

}  // namespace

int run_forest(const Arguments& arguments) {
  return dispatch("sluice forest",
                  {{"inspect", "show the contents of a model", inspect_forest},
                   {"predict", "write predictions, margins or leaves", predict},
                   {"contribs", "write SHAP values", contribs}},
                  arguments);
}

}  // namespace sluice::cli
