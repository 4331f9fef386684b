#pragma once
/// Merges a bag of forests into one forest, whose margin is the mean of theirs.
///
/// One forest compares a row with its thresholds once, not once for each forest of the bag. Every leaf is divided by
/// the number of forests and rounded to float32, and margins are added in float32 in tree order: the result is the mean
/// of the bag's margins to float32 rounding. A bag of one is that forest, bit for bit.
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <span>
#include <vector>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

struct MergedForest {
  Forest forest;  // ready for the fast kernels
  // Number of trees after which the margin is the mean after each share of every forest's trees.
  std::vector<std::size_t> ends;
};

/// `shares` ascend in (0, 1]; a forest's part is rounded down. Throws Error{forest.bag} if there are no forests, they
/// do not have exactly one output, or they differ in features or link, and Error{forest.unsupported} for gblinear and
/// LightGBM models.
MergedForest merge(std::span<const Forest> bag, std::span<const double> shares);

}  // namespace sluice::gbdt
