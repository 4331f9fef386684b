#include "sluice/cli/verbs/row_reasons.h"

#include "sluice/base/error.h"
#include "sluice/cli/terminal.h"

namespace sluice::cli {

std::unique_ptr<const explain::Explainer> make_row_explainer(const cascade::Engine& engine) {
  explain::ExplainOptions options;
  options.precision = gbdt::Precision::single;
  return std::make_unique<const explain::Explainer>(engine, options);
}

RowReasons::RowReasons(const cascade::Engine& engine, const std::string& which) : with_approved_(which == "all") {
  if (which != "none") explainer_ = make_row_explainer(engine);
}

void RowReasons::explain(RowsView rows, std::span<const cascade::Decision> decisions, ThreadPool& pool) {
  if (!explainer_) return;
  reasons_.assign(decisions.size(), {});
  pool.run(decisions.size(), [&](std::size_t i) {
    if (was_interrupted())
      throw Error("interrupted", "interrupted while explaining");  // the rest of the batch may take a long time
    if (wants(decisions[i]))
      reasons_[i] = explain::record_reasons(explainer_->explain(rows.row(i), decisions[i]).reasons);
  });
}

std::span<const cascade::Reason> RowReasons::of(std::size_t i) const {
  if (!explainer_) return {};
  return reasons_[i];
}

}  // namespace sluice::cli
