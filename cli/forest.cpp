#include "sluice/gbdt/forest.h"

#include <functional>
#include <iostream>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"
#include "sluice/gbdt/leaves.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/tree_shap.h"
#include "sluice/io/csv.h"

namespace sluice::cli {
namespace {

/// The model's features as columns: by its own names, or by the data's order where it has none. A given schema says how
/// each is read.
Schema schema_of(const gbdt::Forest& forest, const std::string& data, const std::string& schema_path) {
  std::vector<std::string> names = forest.feature_names;
  if (names.empty()) {
    names = io::open_records(data)->header();
    if (names.size() < forest.n_features)
      throw Error("forest.features", data + ": " + std::to_string(names.size()) + " columns, and the model reads " +
                                         std::to_string(forest.n_features));
    names.resize(forest.n_features);
  }
  std::optional<Schema> given;
  if (!schema_path.empty()) given = Schema::from_json(read_file(schema_path), schema_path);
  std::vector<Column> columns;
  for (auto& name : names) columns.push_back(given ? (*given)[given->index_of(name)] : Column{.name = std::move(name)});
  return Schema(std::move(columns));
}

struct ForestOptions {
  std::string model, schema, data, out;
  bool quiet = false;
  std::uint64_t n_threads = 0;

  void add(Options& options) {
    options.positional("MODEL", model, "XGBoost JSON model")
        .required("--data", data, "CSV or Arrow IPC; - for standard input")
        .required("--out", out, "CSV file");
    options.text("--schema", schema, "how the columns are read: categories, missing codes")
        .flag("--quiet", quiet, "no progress")
        .integer("--threads", n_threads, "threads to work with; 0 for one a processor");
  }
};

/// Streams the data through `score`, which turns rows into cells, and writes them as CSV below `header`.
class ForestRun {
 public:
  ForestRun(Schema schema, const ForestOptions& options)
      : pool_(options.n_threads),
        schema_(std::move(schema)),
        reader_(io::open_records(options.data), schema_,
                {.label_column = {}, .positive = {}, .id_column = {}, .extra_columns = {}, .pool = &pool_}),
        file_(options.out),
        progress_(make_progress(options.quiet)) {}

  ThreadPool& pool() { return pool_; }

  template <class T>
  void run(const std::vector<std::string>& header, const std::function<void(BatchView, std::vector<T>&)>& score) {
    std::string text = "row";
    for (const auto& name : header) io::append_csv_field(text += ',', name);
    file_.write(text += '\n');
    io::RowBlock block;
    FloatTable floats(schema_.size());
    std::vector<T> cells;
    std::vector<std::string> pieces;
    while (reader_.next(block, kBlockRows)) {
      const std::size_t n_rows = block.rows.n_rows();
      floats.resize(n_rows);
      in_pieces(n_rows, [&](std::size_t, std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i)
          std::copy(block.rows.row(i).begin(), block.rows.row(i).end(), floats.row(i).begin());
      });
      score(floats.view(), cells);
      pieces.resize((n_rows + kPieceRows - 1) / kPieceRows);
      in_pieces(n_rows, [&](std::size_t piece, std::size_t first, std::size_t last) {
        pieces[piece].clear();
        append_rows(pieces[piece], block.first_row, first, last, cells, header.size());
      });
      for (const std::string& piece : pieces) file_.write(piece);
      report(progress_, "forest", reader_.bytes_read(), reader_.bytes_total());
    }
    file_.commit();
    print_warnings(reader_);
  }

 private:
  static constexpr std::size_t kBlockRows = 16384, kPieceRows = 1024;

  /// Calls work(piece, first row, one past the last) for all rows.
  void in_pieces(std::size_t n_rows, const std::function<void(std::size_t, std::size_t, std::size_t)>& work) {
    pool_.run((n_rows + kPieceRows - 1) / kPieceRows,
              [&](std::size_t piece) { work(piece, piece * kPieceRows, std::min((piece + 1) * kPieceRows, n_rows)); });
  }

  template <class T>
  static void append_rows(std::string& text, std::uint64_t first_row, std::size_t first, std::size_t last,
                          const std::vector<T>& cells, std::size_t n_columns) {
    for (std::size_t i = first; i < last; ++i) {
      text += std::to_string(first_row + i);
      for (std::size_t c = 0; c < n_columns; ++c) {
        text += ',';
        if constexpr (std::is_integral_v<T>)
          text += std::to_string(cells[i * n_columns + c]);
        else
          append_number(text, cells[i * n_columns + c]);
      }
      text += '\n';
    }
  }

  ThreadPool pool_;
  Schema schema_;
  io::RowReader reader_;
  AtomicFile file_;
  Progress progress_;
};

std::vector<std::string> numbered(const std::string& name, std::size_t n) {
  if (n == 1) return {name};
  std::vector<std::string> names;
  for (std::size_t k = 0; k < n; ++k) names.push_back(name + "_" + std::to_string(k));
  return names;
}

int inspect(const Arguments& arguments) {
  std::string model;
  Options options("forest inspect", "What an XGBoost model holds.", "sluice forest inspect bundle/forest-0.json");
  options.positional("MODEL", model, "XGBoost JSON model");
  if (!options.parse(arguments)) return 0;
  const auto forest = gbdt::load_forest(model);
  std::uint32_t depth = 0;
  for (const auto& tree : forest.trees) depth = std::max(depth, tree.depth);
  std::cout << "objective  " << forest.objective << "\ntrees      " << forest.n_trees() << ", depth up to " << depth
            << "\nnodes      " << forest.nodes.size() << "\nfeatures   " << forest.n_features << "\noutputs    "
            << forest.n_groups << "\nmemory     " << forest.memory_bytes() << " bytes\n";
  return 0;
}

int predict(const Arguments& arguments) {
  ForestOptions flags;
  bool margin = false, leaf = false;
  std::string kernel = "auto";
  Options options("forest predict", "Predictions of an XGBoost model, bit for bit XGBoost's.",
                  "sluice forest predict bundle/forest-0.json --schema bundle/schema.json --data transactions.csv "
                  "--out predictions.csv");
  flags.add(options);
  options.flag("--margin", margin, "margins instead of predictions")
      .flag("--leaf", leaf, "leaf numbers instead of predictions")
      .text("--kernel", kernel, "auto, scalar, avx2, avx512 or avx512-vbmi: the same bits from each");
  if (!options.parse(arguments)) return 0;
  if (margin && leaf) throw UsageError("sluice forest predict: --margin and --leaf exclude each other");
  const auto which = gbdt::parse_kernel(kernel);
  const auto forest = gbdt::load_forest(flags.model);
  ForestRun run(schema_of(forest, flags.data, flags.schema), flags);
  if (leaf) {
    std::vector<std::string> header;
    for (std::size_t t = 0; t < forest.n_trees(); ++t) header.push_back("leaf_" + std::to_string(t));
    run.run<std::int32_t>(header, [&](BatchView rows, std::vector<std::int32_t>& cells) {
      cells.resize(rows.n_rows * forest.n_trees());
      leaf_ids(forest, rows, cells);
    });
    return 0;
  }
  run.run<float>(
      numbered(margin ? "margin" : "prediction", forest.n_groups), [&](BatchView rows, std::vector<float>& cells) {
        cells.resize(output_size(forest, rows.n_rows));
        gbdt::predict(forest, rows, cells, {.kernel = which, .trees = {}, .base_margin = {}, .pool = &run.pool()});
        if (!margin) apply_link(forest, cells);
      });
  return 0;
}

int contribs(const Arguments& arguments) {
  ForestOptions flags;
  Options options("forest contribs", "SHAP values of an XGBoost model's margins: path-dependent, additive.",
                  "sluice forest contribs bundle/forest-0.json --schema bundle/schema.json --data transactions.csv "
                  "--out contribs.csv");
  flags.add(options);
  if (!options.parse(arguments)) return 0;
  const auto forest = gbdt::load_forest(flags.model);
  const Schema schema = schema_of(forest, flags.data, flags.schema);
  std::vector<std::string> header;
  for (std::size_t g = 0; g < forest.n_groups; ++g) {
    const std::string suffix = forest.n_groups == 1 ? "" : "_" + std::to_string(g);
    for (const auto& column : schema.columns()) header.push_back(column.name + suffix);
    header.push_back("bias" + suffix);
  }
  ForestRun(schema, flags).run<double>(header, [&](BatchView rows, std::vector<double>& cells) {
    cells.resize(attribution_size(forest, rows.n_rows));
    tree_shap(forest, rows, cells);
  });
  return 0;
}

}  // namespace

int run_forest(const Arguments& arguments) {
  return dispatch("sluice forest",
                  {{"inspect", "what a model holds", inspect},
                   {"predict", "predictions, margins or leaves", predict},
                   {"contribs", "SHAP values", contribs}},
                  arguments);
}

}  // namespace sluice::cli
