// What a bundle would have done over labelled history: batch_backtest BUNDLE DATA LABEL
#include <cstdio>
#include <memory>

#include <sluice/backtest/report_html.h>
#include <sluice/backtest/runner.h>
#include <sluice/base/error.h>
#include <sluice/base/file.h>

int main(int argc, char** argv) try {
  using namespace sluice;
  if (argc != 4) return std::puts("usage: batch_backtest BUNDLE DATA LABEL"), 2;
  const auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(argv[1]));
  const cascade::Engine engine(bundle);

  backtest::BacktestOptions options;
  options.data_name = argv[2];
  io::RowReader reader(io::open_records(argv[2]), bundle->schema, backtest::reader_options(options, argv[3]));
  ThreadPool pool;
  const backtest::Report report = backtest::run(engine, reader, options, pool);

  for (const auto& way : report.ways)
    std::printf("%-8s AUC %.4f  cost a row %.4f\n", way.name.c_str(), way.figures.auc, way.figures.cost);
  write_file("backtest.html", backtest::report_html(report));
} catch (const sluice::Error& e) {
  return std::fprintf(stderr, "error: %s\n", e.what()), 1;
}
