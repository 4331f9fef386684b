#include "sluice/backtest/runner.h"

#include <algorithm>
#include <span>

#include "sluice/backtest/bundle_costs.h"
#include "sluice/backtest/score_block.h"
#include "sluice/backtest/slicer.h"
#include "sluice/backtest/summarize.h"
#include "sluice/base/error.h"

namespace sluice::backtest {
namespace {

class Backtest {
 public:
  Backtest(const cascade::Engine& engine, io::RowReader& reader, const BacktestOptions& options, ThreadPool& pool,
           const Challenger* challenger)
      : engine_(engine),
        reader_(reader),
        options_(options),
        pool_(pool),
        challenger_(challenger),
        scorer_(engine, options.levels),
        totals_(n_slice_columns()) {}

  void read_all(const Progress& progress) {
    std::size_t wanted =
        std::max(options_.block_rows, kLearningRows);  // number intervals are learnt from the first block
    while (reader_.next(block_, wanted)) {
      if (slicers_.empty()) learn_slices();
      add_block(wanted);
      report(progress, "backtesting", reader_.bytes_read(), reader_.bytes_total());
      wanted = std::max<std::size_t>(1, options_.block_rows);
    }
    if (totals_.cascade.actions.rows() == 0) throw Error("backtest.no_rows", "the data has a header but no rows");
    if (challenger_ && challenger_->reader.next(challenger_block_, 1))
      throw Error("backtest.challenger", "the challenger's reader has more rows than the bundle's");
  }

  Report summary() const {
    Report report;
    const cascade::Bundle& bundle = engine_.bundle();
    report.bundle = bundle.digest.hex();
    report.policy_version = bundle.policy.version;
    report.data = options_.data_name;
    report.label = bundle.label;
    report.band = bundle.policy.band;
    report.level0 = bundle.policy.level0;
    choose_costs(report);
    summarize(totals_, bundle, slicers_, report);
    if (options_.levels) report.levels = summarize_levels(totals_, bundle, report.costs);
    if (challenger_) report.challenger = summarize_challenger(totals_, challenger_->engine.bundle(), report);
    return report;
  }

 private:
  std::size_t n_slice_columns() const { return options_.slice_columns.size() + (options_.time_column.empty() ? 0 : 1); }

  void learn_slices() {
    if (block_.extras.size() != n_slice_columns())
      throw Error("backtest.columns",
                  "the rows were not read with backtest::reader_options: " + std::to_string(block_.extras.size()) +
                      " slice columns, expected " + std::to_string(n_slice_columns()));
    if (!options_.time_column.empty()) slicers_.push_back(Slicer::by_time(options_.time_column, options_.by));
    for (const auto& column : options_.slice_columns) {
      const auto at = reader_.schema().find(column);
      slicers_.push_back(Slicer::by_values(column, at ? std::optional(reader_.schema()[*at].kind) : std::nullopt,
                                           block_.extras[slicers_.size()]));
    }
  }

  void add_block(std::size_t wanted) {
    if (block_.labels.size() != block_.rows.n_rows())
      throw Error("backtest.no_labels", "the rows were read without a label column");
    const auto rows = scorer_.score(block_, pool_);
    if (challenger_) add_challenger(rows, wanted);
    std::vector<std::string> names(slicers_.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t s = 0; s < slicers_.size(); ++s)
        names[s] = slicers_[s].name(block_.extras[s][i], block_.first_row + i);
      totals_.add(rows[i], names);
    }
  }

  void add_challenger(std::span<ScoredRow> rows, std::size_t wanted) {
    challenger_->reader.next(challenger_block_, wanted);
    if (challenger_block_.rows.n_rows() != rows.size() || challenger_block_.labels != block_.labels)
      throw Error("backtest.challenger", "the challenger's reader does not give the same rows and labels");
    challenger_decisions_.resize(rows.size());
    challenger_->engine.decide_batch(challenger_block_.rows.view(), challenger_decisions_, &pool_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const cascade::Decision& d = challenger_decisions_[i];
      rows[i].challenger = {d.p_final, d.action};
      rows[i].challenger_forwarded = d.network.ran;
    }
  }

  void choose_costs(Report& report) const {
    const auto& actions = totals_.cascade.actions;
    const auto of_bundle = options_.costs ? std::nullopt : costs_of(engine_.bundle());
    report.costs_from = options_.costs ? "given" : of_bundle ? "bundle" : "default";
    report.costs =
        options_.costs ? *options_.costs
        : of_bundle
            ? *of_bundle
            : cascade::Costs::for_bad_rate(static_cast<double>(actions.bad()) / static_cast<double>(actions.rows()));
  }

  const cascade::Engine& engine_;
  io::RowReader& reader_;
  const BacktestOptions& options_;
  ThreadPool& pool_;
  const Challenger* challenger_;
  BlockScorer scorer_;
  io::RowBlock block_, challenger_block_;
  std::vector<cascade::Decision> challenger_decisions_;
  std::vector<Slicer> slicers_;
  Accumulator totals_;
};

}  // namespace

io::RowReaderOptions reader_options(const BacktestOptions& options, std::string label_column, std::string positive) {
  io::RowReaderOptions result{.label_column = std::move(label_column), .positive = std::move(positive)};
  if (!options.time_column.empty()) result.extra_columns.push_back(options.time_column);
  result.extra_columns.insert(result.extra_columns.end(), options.slice_columns.begin(), options.slice_columns.end());
  return result;
}

Report run(const cascade::Engine& engine, io::RowReader& reader, const BacktestOptions& options, ThreadPool& pool,
           const Progress& progress, const Challenger* challenger) {
  Backtest backtest(engine, reader, options, pool, challenger);
  backtest.read_all(progress);
  return backtest.summary();
}

}  // namespace sluice::backtest
