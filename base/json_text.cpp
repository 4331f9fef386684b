#include "sluice/base/json_text.h"

#include <charconv>
#include <cmath>

#include "sluice/base/number.h"

namespace sluice {
namespace {

template <class T>
void append_integer(std::string& out, T number) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

template <class T>
void append_finite(std::string& out, T number) {
  if (std::isfinite(number))
    append_number(out, number);
  else
    out += "null";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 0x20)
      ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    else
      out += c;
  }
  out += '"';
}

void JsonText::separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

JsonText& JsonText::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonText& JsonText::value(std::string_view text) { return separate(), append_json_string(out_, text), *this; }
JsonText& JsonText::value(double number) { return separate(), append_finite(out_, number), *this; }
JsonText& JsonText::value(float number) { return separate(), append_finite(out_, number), *this; }
JsonText& JsonText::value(std::int64_t number) { return separate(), append_integer(out_, number), *this; }
JsonText& JsonText::value(std::uint64_t number) { return separate(), append_integer(out_, number), *this; }
JsonText& JsonText::value(bool truth) { return raw(truth ? "true" : "false"); }
JsonText& JsonText::null() { return raw("null"); }
JsonText& JsonText::raw(std::string_view json) { return separate(), out_ += json, *this; }

JsonText& JsonText::open(char bracket) {
  separate();
  out_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonText& JsonText::close(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
  return *this;
}

}  // namespace sluice
