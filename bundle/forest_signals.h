#pragma once
/// What a network may be told of a bag of forests beside its margins.
///
/// Immutable; const is thread-safe. A row's signals do not depend on the batch, the kernel or the number of threads.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/dnn/encoder.h"
#include "sluice/gbdt/forest.h"

namespace sluice::cascade {

using dnn::PrefixMargins;

/// leaf_support: the mean over all trees of the bag of log(cover of the row's leaf / cover of the root), 0 or less.
/// disagreement: the standard deviation of the forests' margins, with n - 1.
class ForestSignals {
 public:
  /// `bag` as make_forest_stage takes it (cascade/forest_stage.h). Throws Error{forest.cover} where leaf_support is wanted of a
  /// forest without covers, Error{forest.bag} where disagreement is of a single one.
  ForestSignals(std::span<const gbdt::Forest> bag, const Schema& schema, std::span<const dnn::ForestSignal> wanted);

  std::size_t size() const { return wanted_.size(); }
  /// `rows` in schema order; writes [rows, size()], the signals in the order in which they were wanted.
  void compute(RowsView rows, std::span<float> out) const;

 private:
  void disagreement(BatchView inputs, std::span<float> out) const;

  Schema schema_;
  std::vector<dnn::ForestSignal> wanted_;
  gbdt::Forest support_;           // the merged bag, whose margin is the leaf support
  std::vector<gbdt::Forest> bag_;  // kept where disagreement is wanted
};

/// Of a bundle's forests what its encoder reads; null where that is nothing.
std::shared_ptr<const ForestSignals> make_forest_signals(std::span<const gbdt::Forest> bag, const Schema& schema,
                                                         const dnn::Encoder& encoder);

/// Of each row the margins, then its signals: what an encoder reads of the forest. `out` holds as many floats as both.
void join_signals(std::span<const PrefixMargins> margins, std::span<const float> signals, std::span<float> out);
FloatTable join_signals(std::span<const PrefixMargins> margins, std::span<const float> signals);

}  // namespace sluice::cascade
