#pragma once
/// Counts the effects of a policy change on rows that were decided under both policies.
///
/// Streams: memory does not grow with the number of rows. The report's bits do not depend on the blocks that the rows
/// came in.
/// Thread-safety: one thread at a time.

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
  /// nullopt: those the bundle was trained for; if it has none, Costs::for_bad_rate of the known or expected bad rate.
  std::optional<cascade::Costs> costs{};
  /// Columns of the schema: figures for each of their values, numbers in fifths. Protected columns are always added.
  std::vector<std::string> by{};
  std::size_t max_listed = 20;  // number of the largest changes in the report
};

struct ImpactRow {
  std::uint64_t row = 0;
  std::string_view id;
  RowView inputs;
  const cascade::Decision &before, &after;
  std::optional<bool> is_bad{};  // nullopt: unknown; the cost is the expectation by probability
  bool has_late = true;          // whether `inputs` has the late columns, if the schema has any
};

class ImpactTally {
 public:
  /// The bundles must have the same schema and outlive this. Throws Error{schema.unknown_column} for a column of `by`
  /// that the schema lacks.
  ImpactTally(const cascade::Bundle& before, const cascade::Bundle& after, ImpactOptions options = {});
  ~ImpactTally();

  void add(const ImpactRow& row);
  /// Call it once, after all rows. Throws Error{impact.no_rows} if there were none.
  ImpactReport report();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::backtest
