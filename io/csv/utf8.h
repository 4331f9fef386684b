#pragma once
/// Checks of text bytes. Not installed.

#include <string_view>

namespace sluice::io {

/// No byte above 0x7f, and no NUL.
bool is_plain_ascii(std::string_view bytes);

/// Well-formed UTF-8 as of Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes);

}  // namespace sluice::io
