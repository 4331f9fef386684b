#pragma once
/// Reasons for the decisions of a batch.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/base/thread_pool.h"
#include "sluice/explain/explainer.h"

namespace sluice::cli {

/// An explainer for the reasons of every row of a table, in single precision: only the order of the columns matters.
std::unique_ptr<const explain::Explainer> make_row_explainer(const cascade::Engine& engine);

class RowReasons {
 public:
  /// `which`: "none", "adverse" (declined and reviewed rows) or "all".
  RowReasons(const cascade::Engine& engine, const std::string& which);

  void explain(RowsView rows, std::span<const cascade::Decision> decisions, ThreadPool& pool);
  /// The reasons of row `i` of the last batch; empty if none were requested.
  std::span<const cascade::Reason> of(std::size_t i) const;

 private:
  bool wants(const cascade::Decision& decision) const {
    return with_approved_ || decision.action != rules::Action::approve;
  }

  std::unique_ptr<const explain::Explainer> explainer_;  // null for none
  bool with_approved_;
  std::vector<std::vector<cascade::Reason>> reasons_;
};

}  // namespace sluice::cli
