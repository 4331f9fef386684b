#pragma once
/// Reads LightGBM's text models (`save_model`, versions v2 to v4: 2.0 to 4.x), without LightGBM.
///
/// Rows stay float32, so LightGBM's `x <= threshold` (double) becomes `x < f` with f the smallest float32 above the
/// threshold: the same side for every float32. As LightGBM's own calls do it, a number of magnitude up to 1e-35 is a
/// zero. NaN is 0 at nodes of missing type None and Zero; at those of type Zero, zeros take the default side
/// (Node::kZeroMissing). The type is a node's: training that was continued on other data changes it. A category of the
/// set goes to the left in LightGBM, to the right here: such a split's children change places. Margins in float32 are
/// near LightGBM's, its sums in double have their bits in predict_exact.h.

#include <string_view>

#include "sluice/gbdt/forest.h"

namespace sluice::gbdt {

bool is_lightgbm(std::string_view bytes);

/// `source` is the file's name, for messages. Throws Error{forest.*} naming it, and the tree and node where there is
/// one: forest.lightgbm (a line missing, cut short or of another form), forest.tree (a tree's structure),
/// forest.objective (unknown), forest.unsupported (categories of 2^24 and more, other versions).
Forest load_lightgbm(std::string_view text, std::string_view source);

}  // namespace sluice::gbdt
