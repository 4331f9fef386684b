#pragma once
/// Counts what a change of policy makes of rows that were decided under both.
///
/// Streams: memory does not grow with the rows. The report's bits do not depend on how the rows were cut into blocks.
/// Not thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/backtest/impact_report.h"
#include "sluice/base/batch.h"
#include "sluice/bundle/bundle.h"

namespace sluice::backtest {

struct ImpactOptions {
  std::optional<cascade::Costs> costs{};  // none: those the bundle was trained for; else Costs::for_bad_rate of what is
                                          // known of the rows
  std::vector<std::string> by{};          // columns of the schema: figures for each of their values, or fifths of them.
                                          // Protected columns are added
  std::size_t max_listed = 20;            // of the largest changes
};

struct ImpactRow {
  std::uint64_t row = 0;
  std::string_view id;
  RowView inputs;
  const cascade::Decision &before, &after;
  std::optional<bool> is_bad{};  // none: its cost is what the probability expects
  bool has_late = true;          // whether late columns, where there are any, are among the inputs
};

class ImpactTally {
 public:
  /// The bundles have one schema. Throws Error{schema.unknown_column} for a column of `by` that it lacks.
  ImpactTally(const cascade::Bundle& before, const cascade::Bundle& after, ImpactOptions options = {});
  ~ImpactTally();

  void add(const ImpactRow& row);
  /// Throws Error{impact.no_rows} where there were none. Once.
  ImpactReport report();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::backtest
