#pragma once
/// The sources of the decisions that `sluice policy diff` compares.

#include <memory>
#include <string>

#include "sluice/backtest/impact.h"
#include "sluice/base/progress.h"
#include "sluice/base/thread_pool.h"

namespace sluice::cli {

struct PolicyPair {
  std::shared_ptr<const cascade::Bundle> before, after;  // one bundle with two policies
};

struct ImpactSource {
  std::string data, id;         // a table and its id column
  std::string audit, labels;    // or a decision log and a table of late labels, by `id`
  std::string label, positive;  // label column and the text that counts as 1; empty: no labels
  backtest::ImpactOptions options{};
};

/// Decides every row of the table with both policies. Throws what reading throws.
backtest::ImpactReport impact_on_data(const PolicyPair& policies, const ImpactSource& source, ThreadPool& pool,
                                      const Progress& progress);

/// Decides every stored request with both policies. Throws Error{log.damaged} if the log does not verify.
backtest::ImpactReport impact_on_log(const PolicyPair& policies, const ImpactSource& source, ThreadPool& pool,
                                     const Progress& progress);

}  // namespace sluice::cli
