// Why one request was decided as it was, as a page: explain_report BUNDLE DATA ROW OUT.html
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <sluice/base/error.h>
#include <sluice/base/file.h>
#include <sluice/explain/report.h>
#include <sluice/io/rows.h>

int main(int argc, char** argv) try {
  using namespace sluice;
  if (argc != 5) return std::puts("usage: explain_report BUNDLE DATA ROW OUT.html"), 2;
  const auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(argv[1]));
  const cascade::Engine engine(bundle);
  const explain::Explainer explainer(engine);

  const std::uint64_t wanted = std::strtoull(argv[3], nullptr, 10);
  io::RowReader reader(io::open_records(argv[2]), bundle->schema);
  io::RowBlock block;
  while (reader.next(block)) {
    if (wanted >= block.first_row + block.rows.n_rows()) continue;
    const auto explanation = explainer.explain(block.rows.row(wanted - block.first_row));
    for (const auto& reason : explanation.reasons)
      std::printf("%-28s %+.4f\n", reason.reason.code.c_str(), reason.reason.phi);
    write_file(argv[4], explain::report_html(explainer, explanation, {.row = wanted}));
    return 0;
  }
  return std::fprintf(stderr, "error: %s has no row %s\n", argv[2], argv[3]), 1;
} catch (const sluice::Error& e) {
  return std::fprintf(stderr, "error: %s\n", e.what()), 1;
}
