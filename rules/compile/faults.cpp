#include "sluice/rules/compile/faults.h"

#include <algorithm>

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxFaults = 100;
/// A longer expression is not shown: no terminal shows its caret in the right place.
constexpr std::size_t kMaxSnippet = 400;

/// 1-based, in characters: a caret points at characters, not at the bytes of UTF-8.
int column_of(std::string_view text, std::size_t byte) {
  const auto before = text.substr(0, byte);
  return 1 + static_cast<int>(std::count_if(before.begin(), before.end(),
                                            [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

}  // namespace

void Faults::add(const char* kind, std::size_t byte, std::string message, std::string hint) {
  if (n_added_ > kMaxFaults) return;
  if (n_added_++ == kMaxFaults) {
    kind = "too_many";
    message = "the expression has more than " + std::to_string(kMaxFaults) + " faults; the rest is not listed";
    hint.clear();
  }
  Diagnostic fault{.code = std::string("rules.") + kind,
                   .source = source_,
                   .pointer = pointer_,
                   .message = std::move(message),
                   .hint = std::move(hint)};
  fault.column = column_of(text_, byte);
  if (text_.size() <= kMaxSnippet) fault.snippet = one_line(text_);
  out_.push_back(std::move(fault));
}

}  // namespace sluice::rules
