#pragma once
/// Checks of text bytes. Not installed.

#include <cstddef>
#include <string_view>

namespace sluice {

/// True if no byte is above 0x7f and none is NUL.
bool is_plain_ascii(std::string_view bytes);

/// Bytes of the first character; 0 if `text`, which is not empty, does not begin with well-formed UTF-8.
std::size_t character_size(std::string_view text);

/// Well-formed UTF-8 by Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes);

}  // namespace sluice
