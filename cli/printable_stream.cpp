#include "sluice/cli/printable_stream.h"

#include <algorithm>
#include <string_view>

#include "sluice/base/printable.h"
#include "sluice/base/utf8.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kMaxCharacter = 4;  // bytes

/// Without the bytes at the end that may be the beginning of a character.
std::size_t whole_characters(std::string_view text) {
  for (std::size_t n = 1; n < std::min(kMaxCharacter, text.size() + 1); ++n) {
    const auto byte = static_cast<unsigned char>(text[text.size() - n]);
    if (byte < 0x80) return text.size();
    if (byte < 0xc0) continue;  // in the middle of a character
    const std::size_t wanted = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return wanted > n ? text.size() - n : text.size();
  }
  return text.size();
}

}  // namespace

PrintableStream::~PrintableStream() {
  pass_on(text_.size());
  out_.rdbuf(target_);
}

PrintableStream::int_type PrintableStream::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char one = traits_type::to_char_type(c);
  return xsputn(&one, 1) == 1 ? c : traits_type::eof();
}

std::streamsize PrintableStream::xsputn(const char* text, std::streamsize n) {
  text_.append(text, static_cast<std::size_t>(n));
  const auto end = text_.rfind('\n');
  return end == text_.npos || pass_on(end + 1) ? n : 0;
}

int PrintableStream::sync() { return pass_on(whole_characters(text_)) ? target_->pubsync() : -1; }

/// The first `n` bytes.
bool PrintableStream::pass_on(std::size_t n) {
  std::string out;
  for (std::size_t at = 0; at < n;) {
    const std::size_t tab = std::min(text_.find('\t', at), n);
    out += printable(std::string_view(text_).substr(at, tab - at), true);
    if (tab < n) out += '\t';
    at = tab + 1;
  }
  text_.erase(0, n);
  return target_->sputn(out.data(), static_cast<std::streamsize>(out.size())) ==
         static_cast<std::streamsize>(out.size());
}

}  // namespace sluice::cli
