#pragma once
/// A backtest: a bundle's decisions over labelled history, beside those of its forest alone and of its network for
/// everybody.
///
/// Streams: memory does not depend on the number of rows. The report's bits depend on neither the block size nor the
/// threads.

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

enum class Period { day, week, month };  // UTC; weeks start on Monday and bear its date

struct BacktestOptions {
  std::optional<cascade::Costs>
      costs;                // none: those the bundle was trained for; Costs::for_bad_rate where it does not say
  std::string time_column;  // of the data, as parse_time reads it; empty: no slices by time
  Period by = Period::month;
  std::vector<std::string> slice_columns;  // of the data
  bool levels = false;                     // also what L1, L2 and L3 would have done
  std::size_t block_rows = 10'000;
  std::string data_name;  // for the report alone
};

/// A second bundle and the same rows read for it, in step.
struct Challenger {
  const cascade::Engine& engine;
  io::RowReader& reader;
};

/// How `run` needs its rows read.
io::RowReaderOptions reader_options(const BacktestOptions& options, std::string label_column,
                                    std::string positive = {});

/// `reader` was opened with reader_options. Throws what reading throws, Error{backtest.no_rows | no_labels | columns |
/// time | challenger}, and Error{interrupted}.
Report run(const cascade::Engine& engine, io::RowReader& reader, const BacktestOptions& options, ThreadPool& pool,
           const Progress& progress = {}, const Challenger* challenger = nullptr);

}  // namespace sluice::backtest
