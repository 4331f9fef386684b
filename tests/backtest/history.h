#pragma once
/// Labelled rows for a small bundle, as CSV: the schema's columns, then "bad", "seen_at" and "region".

#include <memory>
#include <string>

#include "sluice/backtest/runner.h"
#include "sluice/cascade/engine.h"
#include "sluice/io/rows.h"

namespace sluice::test {

/// The label depends on the column "ratio", so that the stages differ in quality. `one_class`: every label is 0.
std::string history_csv(const Schema& schema, std::size_t n_rows, std::uint64_t seed, bool one_class = false);

std::unique_ptr<io::RowReader> history_reader(const std::string& csv, const Schema& schema,
                                              const backtest::BacktestOptions& options);

backtest::Report run_backtest(const cascade::Engine& engine, const std::string& csv,
                              const backtest::BacktestOptions& options, std::size_t n_threads = 1);

}  // namespace sluice::test
