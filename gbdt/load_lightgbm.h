#pragma once
/// Reads LightGBM's text models (`save_model`, versions v2 to v4: 2.0 to 4.x), without LightGBM.
///
/// Rows stay float32, so LightGBM's `x <= threshold` (double) becomes `x < f`, with f the smallest float32 above the
/// threshold: the same side for every float32. As in LightGBM's own functions, a number of magnitude up to 1e-35 is a
/// zero. NaN is 0 at nodes of missing type None and Zero; at those of type Zero, zeros take the default side
/// (Node::kZeroMissing). The type belongs to a node: training that continues on other data changes it. A category of
/// the set goes to the left in LightGBM and to the right here: the children of such a split are swapped. Margins in
/// float32 are close to LightGBM's; predict_exact.h gives the bits of its double sums.
/// Thread-safety: all functions are thread-safe.

#include <string_view>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

bool is_lightgbm(std::string_view bytes);

/// `source` is the file name for messages. Throws Error{forest.*} with it, and with the tree and node if there is one:
/// forest.lightgbm (a line is missing, truncated or malformed), forest.tree (a tree's structure), forest.objective
/// (unknown), forest.unsupported (categories of 2^24 and more, other versions).
Forest load_lightgbm(std::string_view text, std::string_view source);

}  // namespace sluice::gbdt
