#pragma once
/// Predicts how much forwarding a row to the network saves. The model is a forest that reads the row's forest columns
/// and its margin.
///
/// A row's gain does not depend on the batch, the kernel or the number of threads.
/// Thread-safety: immutable after construction; const calls are thread-safe.

#include <span>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/gbdt/forest.h"

namespace sluice::cascade {

using dnn::PrefixMargins;

class GainModel {
 public:
  /// The feature after the forest columns: the margin of the forest stage.
  static constexpr const char* kMarginName = "forest_margin";

  /// Throws Error{gain.model} unless the forest has one output without a link, and reads the schema's forest columns
  /// and the margin, in this order.
  GainModel(gbdt::Forest forest, const Schema& schema);

  /// The expected gain, after the price of forwarding, in the unit of the costs; in nats of log-loss if the model was
  /// trained without costs. `row` is in schema order; only the last margin of `staged` is read.
  float expect(RowView row, const PrefixMargins& staged) const;
  /// The same for each row, faster. `staged` and `gains` have one element per row.
  void expect(RowsView rows, std::span<const PrefixMargins> staged, std::span<float> gains) const;

  const std::vector<std::string>& warnings() const { return forest_.warnings; }

 private:
  void gather(RowView row, const PrefixMargins& staged, std::span<float> features) const;

  gbdt::Forest forest_;
  std::vector<std::size_t> columns_;
};

}  // namespace sluice::cascade
