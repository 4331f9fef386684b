#pragma once
/// Text from outside, for messages: what a reader cannot see, or a terminal would obey, is written out.
///
/// Thread-safety: pure function.

#include <string>
#include <string_view>

namespace sluice {

/// Control characters become \n, \r, \t or \x1b; invisible characters of Unicode (spaces other than U+0020, zero-width
/// ones, marks of direction, the byte-order mark) \u{feff}; bytes that are not UTF-8 \xff. `keep_lines` leaves line
/// feeds as they are.
std::string printable(std::string_view text, bool keep_lines = false);

}  // namespace sluice
