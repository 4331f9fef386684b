#pragma once
/// Signals of a bag of forests that a network can read in addition to its margins.
///
/// A row's signals do not depend on the batch, the kernel or the number of threads.
/// Thread-safety: immutable after construction; const calls are thread-safe.

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

/// leaf_support: the mean over all trees of the bag of log(cover of the row's leaf / cover of the root), at most 0.
/// disagreement: the sample standard deviation (n - 1) of the forests' margins.
class ForestSignals {
 public:
  /// `bag` as for make_forest_stage (cascade/forest_stage.h). Throws Error{forest.cover} if `wanted` has leaf_support
  /// and a forest has no covers, Error{forest.bag} if `wanted` has disagreement and the bag has one forest.
  ForestSignals(std::span<const gbdt::Forest> bag, const Schema& schema, std::span<const dnn::ForestSignal> wanted);

  std::size_t size() const { return wanted_.size(); }
  /// `rows` in schema order. Writes [rows, size()], the signals in the order of `wanted`.
  void compute(RowsView rows, std::span<float> out) const;

 private:
  void disagreement(BatchView inputs, std::span<float> out) const;

  Schema schema_;
  std::vector<dnn::ForestSignal> wanted_;
  gbdt::Forest support_;           // the merged bag, whose margin is the leaf support
  std::vector<gbdt::Forest> bag_;  // empty without disagreement
};

/// The signals that `encoder` reads; null if it reads none.
std::shared_ptr<const ForestSignals> make_forest_signals(std::span<const gbdt::Forest> bag, const Schema& schema,
                                                         const dnn::Encoder& encoder);

/// Joins the margins and the signals of each row: [rows, margins then signals], the forest's inputs of an encoder.
/// `out` has as many floats as both together.
void join_signals(std::span<const PrefixMargins> margins, std::span<const float> signals, std::span<float> out);
FloatTable join_signals(std::span<const PrefixMargins> margins, std::span<const float> signals);

}  // namespace sluice::cascade
