#include "history.h"

#include <cmath>

#include "sluice/base/number.h"
#include "sluice/base/random.h"
#include "support/small_bundle.h"

namespace sluice::test {

std::string history_csv(const Schema& schema, std::size_t n_rows, std::uint64_t seed, bool one_class) {
  Random random(seed, 9);
  const Table rows = small_rows(schema, n_rows, seed);
  const std::size_t ratio = schema.index_of("ratio");
  std::string csv;
  for (const Column& column : schema.columns()) csv += column.name + ",";
  csv += "bad,seen_at,region\n";
  for (std::size_t i = 0; i < n_rows; ++i) {
    for (std::size_t c = 0; c < schema.size(); ++c) csv += schema.format_cell(c, rows.row(i)[c]) + ",";
    const double x = rows.row(i)[ratio];
    const bool is_bad = !one_class && random.uniform() < sigmoid(-0.5 + (std::isnan(x) ? 0 : x));
    csv += std::string(is_bad ? "1," : "0,") + format_time(1.7e9 + 3600.0 * static_cast<double>(i)) + "," + "<r" +
           std::to_string(random.below(3)) + ">\n";
  }
  return csv;
}

std::unique_ptr<io::RowReader> history_reader(const std::string& csv, const Schema& schema,
                                              const backtest::BacktestOptions& options) {
  return std::make_unique<io::RowReader>(io::open_record_bytes(csv, "history.csv"), schema,
                                         backtest::reader_options(options, "bad"));
}

backtest::Report run_backtest(const cascade::Engine& engine, const std::string& csv,
                              const backtest::BacktestOptions& options, std::size_t n_threads) {
  ThreadPool pool(n_threads);
  const auto reader = history_reader(csv, engine.bundle().schema, options);
  return backtest::run(engine, *reader, options, pool);
}

}  // namespace sluice::test
