#pragma once
/// Runs the rows of a table through a forest and writes CSV: shared by the verbs of `sluice forest`.

#include <functional>
#include <string>
#include <vector>

#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/base/thread_pool.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/terminal.h"
#include "sluice/gbdt/forest.h"
#include "sluice/io/csv.h"
#include "sluice/io/rows.h"

namespace sluice::cli {

struct ForestOptions {
  std::string model, schema, data, out;
  bool quiet = false;
  std::uint64_t n_threads = 0;

  void add(Options& options) {
    options.positional("MODEL", model, "XGBoost JSON or UBJSON model, or LightGBM text model")
        .required("--data", data, "CSV or Arrow IPC; - for standard input")
        .required_output("--out", out, "output CSV file");
    options.text("--schema", schema, "schema.json of the columns: categories, missing codes")
        .flag("--quiet", quiet, "do not show progress")
        .integer("--threads", n_threads, "worker threads; 0 for one per processor");
  }
};

/// The model's features as columns: by the model's names, or in the data's order if it has none. If a schema is given,
/// it defines how each column is read, and its types must be the model's. Categories that the model stores as texts are
/// read as texts.
Schema schema_of(const gbdt::Forest& forest, const std::string& data, const std::string& schema_path);

/// Reads all rows of a table as the model reads them.
FloatTable read_all_rows(const Schema& schema, const std::string& data, ThreadPool& pool);

/// Streams the data through `score`, which computes cells from rows, and writes them as CSV below `header`.
class ForestRun {
 public:
  ForestRun(Schema schema, const ForestOptions& options)
      : pool_(options.n_threads),
        schema_(std::move(schema)),
        reader_(open_table(options.data), schema_,
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

  /// Calls work(piece, first row, one past the last row) for all pieces.
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

}  // namespace sluice::cli
