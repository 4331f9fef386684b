#include "sluice/base/diagnostic.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/printable.h"

namespace sluice {

std::string to_string(const Diagnostic& d) {
  std::string text = (d.is_warning ? "warning: " : "error: ") + d.code + ": " + d.source;
  if (!d.pointer.empty()) text += " at " + d.pointer;
  if (d.column > 0) text += ", column " + std::to_string(d.column);
  text += ": " + d.message;
  if (!d.snippet.empty()) {
    text += "\n    " + d.snippet;
    if (d.column > 0) text += "\n    " + std::string(static_cast<std::size_t>(d.column) - 1, ' ') + "^";
  }
  if (!d.hint.empty()) text += "\n  hint: " + d.hint;
  return text;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& d) { return !d.is_warning; });
}

void throw_if_errors(const std::vector<Diagnostic>& diagnostics) {
  std::string code, message;
  for (const auto& d : diagnostics) {
    if (d.is_warning) continue;
    const bool first = code.empty();
    std::string text = to_string(d);
    if (first) {
      code = d.code;
      text = text.substr(("error: " + d.code + ": ").size());
    }
    message += (first ? "" : "\n") + text;
  }
  if (!code.empty()) throw Error(code, message);
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // The work grows with the square of the length.
  constexpr std::size_t kLongest = 100;
  if (word.size() > kLongest) return {};
  std::string best;
  // Two edits find swapped letters. In a short word only one is allowed: two would turn it into any other word.
  std::size_t best_distance = (word.size() < 4 ? 1 : std::max<std::size_t>(2, word.size() / 3)) + 1;
  std::vector<std::size_t> row;
  for (const auto& candidate : candidates) {
    const std::size_t n = word.size(), m = candidate.size();
    // At least this many edits are needed: skip the full comparison.
    if ((n > m ? n - m : m - n) >= best_distance) continue;
    row.resize(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t change = diagonal + (word[i] != candidate[j]);
        diagonal = row[j + 1];
        row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string excerpt(std::string_view text, std::size_t most) {
  if (text.size() <= most) return printable(text);
  std::size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // a byte within a character of UTF-8
  return printable(text.substr(0, end)) + "…";
}

std::string quote(std::string_view text) { return "\"" + excerpt(text) + "\""; }

Diagnostic to_diagnostic(const Error& error, const std::string& source) {
  std::string message = error.message();
  if (message.starts_with(source)) message.erase(0, source.size());
  message.erase(0, message.find_first_not_of(": "));
  return {.code = error.code(), .source = source, .message = std::move(message), .hint = error.hint()};
}

}  // namespace sluice
