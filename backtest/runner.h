#pragma once
/// A backtest: a bundle's decisions over labelled history, compared with its forest alone and with its network for all
/// rows.
///
/// Streams: memory does not depend on the number of rows. The report's bits depend on neither the block size nor the
/// number of threads.
/// Thread-safety: concurrent calls of `run` need separate readers and pools; the engine can be shared.

#include <optional>
#include <string>
#include <vector>

#include "sluice/backtest/report.h"
#include "sluice/base/progress.h"
#include "sluice/base/thread_pool.h"
#include "sluice/bundle/costs.h"
#include "sluice/cascade/engine.h"
#include "sluice/io/rows.h"

namespace sluice::backtest {

enum class Period { day, week, month };  // UTC; a week starts on Monday and is named by its date

struct BacktestOptions {
  std::optional<cascade::Costs> costs;  // nullopt: those the bundle was trained for; if it has none, for_bad_rate
  std::string time_column;              // of the data, read by parse_time; empty: no slices by time
  Period by = Period::month;
  std::vector<std::string> slice_columns;  // of the data
  bool levels = false;                     // also report what L1, L2 and L3 would have done
  std::size_t block_rows = 10'000;
  std::string data_name;  // only shown in the report
};

/// A second bundle, and a second reader of the same rows for it.
struct Challenger {
  const cascade::Engine& engine;
  io::RowReader& reader;
};

/// The reader options that `run` needs.
io::RowReaderOptions reader_options(const BacktestOptions& options, std::string label_column,
                                    std::string positive = {});

/// Runs a backtest over all rows of `reader`, which must have been opened with reader_options. Throws what reading
/// throws, Error{backtest.no_rows | no_labels | columns | time | challenger}, and Error{interrupted}.
Report run(const cascade::Engine& engine, io::RowReader& reader, const BacktestOptions& options, ThreadPool& pool,
           const Progress& progress = {}, const Challenger* challenger = nullptr);

}  // namespace sluice::backtest
