#pragma once
/// What asking the network for a row is expected to save: a forest over what the forest stage knows of it.
///
/// Immutable; const is thread-safe. A row's gain does not depend on the batch, the kernel or the number of threads.

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
  /// The feature that stands behind the forest columns: the margin that the forest stage serves.
  static constexpr const char* kMarginName = "forest_margin";

  /// Throws Error{gain.model} unless the forest has one output without a link, and reads the schema's forest columns
  /// and the margin, in this order.
  GainModel(gbdt::Forest forest, const Schema& schema);

  /// In the costs' unit, the price of forwarding taken off; in nats of log-loss where training was given no costs.
  /// `row` in schema order.
  float expect(RowView row, const PrefixMargins& staged) const;
  /// The same of each row, faster.
  void expect(RowsView rows, std::span<const PrefixMargins> staged, std::span<float> gains) const;

  const std::vector<std::string>& warnings() const { return forest_.warnings; }

 private:
  void gather(RowView row, const PrefixMargins& staged, std::span<float> features) const;

  gbdt::Forest forest_;
  std::vector<std::size_t> columns_;
};

}  // namespace sluice::cascade
