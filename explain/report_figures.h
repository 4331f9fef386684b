#pragma once
/// The HTML report's figures, as inline SVG. Not installed.

#include <string>
#include <string_view>

#include "sluice/explain/explainer.h"

namespace sluice::explain {

/// `text`, escaped; beyond `max_characters` it is cut at a whole UTF-8 character and ends in "…".
std::string clipped(std::string_view text, std::size_t max_characters);

/// From base to output: the ten largest contributions and the sum of the rest, over a margin axis and a probability
/// axis.
std::string waterfall(const cascade::Bundle& bundle, const Explanation& e);

/// What the band's shade says.
std::string band_label(const cascade::Band& band);

/// The forest's probability over the band, and the final one over the cut-offs.
std::string threshold_tracks(const cascade::Bundle& bundle, const cascade::Decision& d);

}  // namespace sluice::explain
