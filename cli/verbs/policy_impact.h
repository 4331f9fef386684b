#pragma once
/// Where the decisions come from that `sluice policy diff` compares.

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
  std::string data, id;         // a table; its column of ids
  std::string audit, labels;    // or a decision log; a table of late labels, under `id`
  std::string label, positive;  // what became of a row; empty: not known
  backtest::ImpactOptions options{};
};

/// Every row of the table under both policies. Throws what reading throws.
backtest::ImpactReport impact_on_data(const PolicyPair& policies, const ImpactSource& source, ThreadPool& pool,
                                      const Progress& progress);

/// Every stored decision under both policies. Throws Error{log.damaged} where the log does not verify.
backtest::ImpactReport impact_on_log(const PolicyPair& policies, const ImpactSource& source, ThreadPool& pool,
                                     const Progress& progress);

}  // namespace sluice::cli
