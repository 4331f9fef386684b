#pragma once
/// One tree of a LightGBM text model: checked, converted to this folder's rules, appended to a forest. Not installed.

#include "sluice/gbdt/forest.h"
#include "sluice/gbdt/load/lightgbm_text.h"

namespace sluice::gbdt {

/// The smallest float32 f for which `x < f` holds for exactly the float32 x that LightGBM sends to the left of
/// `threshold`; NaN if that is all of them. Magnitudes up to 1e-35 count as zero.
float above(double threshold);

/// Throws Error{forest.lightgbm} or Error{forest.tree} with the tree and the node, Error{forest.unsupported} for
/// categories of 2^24 and more and for trees of versions before 2.0.5.
void append_lightgbm_tree(const LightgbmSection& section, std::uint32_t number, std::uint32_t group, Forest& forest);

}  // namespace sluice::gbdt
