#pragma once
/// A fault in a document that a person wrote: a policy, a rule set, a schema, a configuration.
///
/// A document is checked as a whole. All faults are reported at once, each with its JSON pointer.
/// Thread-safety: all functions are thread-safe.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class Error;

struct Diagnostic {
  std::string code;     // stable and dotted: "policy.band_inverted"
  std::string source;   // the file's name
  std::string pointer;  // JSON pointer (RFC 6901): "/rules/2/when"; empty for the document itself
  std::string message;
  std::string hint;     // what to do; may be empty
  std::string snippet;  // an expression's text, shown with a caret below `column`; may be empty
  int column = 0;       // 1-based place in `snippet`; 0 if unknown
  bool is_warning = false;
};

/// "error: CODE: SOURCE at POINTER, column N: message", then the snippet with a caret and the hint on their own lines.
std::string to_string(const Diagnostic& diagnostic);

bool has_errors(const std::vector<Diagnostic>& diagnostics);

/// Throws Error with the first error's code and the text of every error. Does nothing if there are no errors.
void throw_if_errors(const std::vector<Diagnostic>& diagnostics);

/// The candidate nearest to `word` by edit distance; empty if none is near enough to be a likely misspelling.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// At most `most` bytes of a user's text, `printable`, for a message. A longer text is cut between characters and ends
/// in an ellipsis.
std::string excerpt(std::string_view text, std::size_t most = 60);

/// `excerpt` in quotation marks.
std::string quote(std::string_view text);

/// The error that ended the reading of `source`, as a diagnostic. A leading source name is removed from its message,
/// because the diagnostic has its own.
Diagnostic to_diagnostic(const Error& error, const std::string& source);

}  // namespace sluice
