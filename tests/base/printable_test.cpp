#include "sluice/base/printable.h"

#include "sluice/base/diagnostic.h"
#include "support/catch.h"

using namespace sluice;

TEST_CASE("what cannot be seen is written out, and what can is left alone") {
  const std::pair<std::string, const char*> kCases[] = {
      {"", ""},
      {"class", "class"},
      {"class\r", "class\\r"},
      {"a\tb\nc", "a\\tb\\nc"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f"},
      {"\xEF\xBB\xBFid", "\\u{feff}id"},
      {"a\xC2\xA0"
       "b",
       "a\\u{a0}b"},  // a no-break space
      {"a\xE2\x80\x8B"
       "b",
       "a\\u{200b}b"},                              // a zero-width space
      {"\xE2\x80\xAEtxt.exe", "\\u{202e}txt.exe"},  // right to left
      {"\xC2\x85", "\\u{85}"},                      // a control character of Latin-1
      {"\xF3\xA0\x81\x81", "\\u{e0041}"},           // a tag
      {"Größe, 年齢, 🙂", "Größe, 年齢, 🙂"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xC0\xAF", "\\xc0\\xaf"},                    // overlong
      {"\xED\xA0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond Unicode
      {"\xE2\x82", "\\xe2\\x82"},                    // cut short
      {"back\\slash", "back\\slash"},
  };
  for (const auto& [text, expected] : kCases) {
    CAPTURE(expected);
    CHECK(printable(text) == expected);
    CHECK(quote(text) == '"' + std::string(expected) + '"');
  }
  CHECK(printable("a\nb\r", true) == "a\nb\\r");
}
