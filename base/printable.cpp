#include "sluice/base/printable.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "sluice/base/utf8.h"

namespace sluice {
namespace {

/// Of a well-formed character.
char32_t code_of(std::string_view character) {
  char32_t code = static_cast<std::uint8_t>(character[0]);
  if (character.size() > 1) code &= 0xFF >> (character.size() + 1);
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<std::uint8_t>(c) & 0x3F);
  return code;
}

bool is_invisible(char32_t code) {
  constexpr std::pair<char32_t, char32_t> kRanges[] = {
      {0x00, 0x1F},     {0x7F, 0xA0},     {0xAD, 0xAD},     {0x34F, 0x34F},    {0x61C, 0x61C},
      {0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5}, {0x180B, 0x180F},  {0x2000, 0x200F},
      {0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0x3164, 0x3164},  {0xFE00, 0xFE0F},
      {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [&](const auto& range) { return code >= range.first && code <= range.second; });
}

std::string escaped_byte(unsigned code) {
  char out[8];
  std::snprintf(out, sizeof out, "\\x%02x", code);
  return out;
}

std::string escaped(char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  if (code < 0x80) return escaped_byte(static_cast<unsigned>(code));
  char out[16];
  std::snprintf(out, sizeof out, "\\u{%x}", static_cast<unsigned>(code));
  return out;
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
  std::string out;
  while (!text.empty()) {
    const std::size_t n = character_size(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(1, n));
    if (n == 0)
      out += escaped_byte(static_cast<std::uint8_t>(text[0]));
    else if (const char32_t code = code_of(character); is_invisible(code) && !(keep_lines && code == '\n'))
      out += escaped(code);
    else
      out += character;
    text.remove_prefix(character.size());
  }
  return out;
}

}  // namespace sluice
