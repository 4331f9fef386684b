#pragma once
/// The HTML report's figures, as inline SVG. Not installed.

#include <string>
#include <string_view>

#include "sluice/explain/explainer.h"

namespace sluice::explain {

/// `text`, escaped; beyond `max_characters` it is cut at a whole UTF-8 character and ends in "…".
std::string clipped(std::string_view text, std::size_t max_characters);

/// The waterfall from base to output: the ten largest contributions and the sum of the rest, with a log-odds axis and a
/// probability axis.
std::string waterfall(const cascade::Bundle& bundle, const Explanation& e);

/// The label of the band.
std::string band_label(const cascade::Band& band);

/// The forest's probability relative to the band, and the final one relative to the cut-offs.
std::string threshold_tracks(const cascade::Bundle& bundle, const cascade::Decision& d);

}  // namespace sluice::explain
