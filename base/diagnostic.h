#pragma once
/// A finding about a document that a person wrote: a policy, a rule set, a schema, a configuration.
///
/// Documents are checked whole: every finding is reported at once, each with the JSON pointer of its place.

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
  int column = 0;       // 1-based place in `snippet`; 0 where there is none
  bool is_warning = false;
};

/// "error: CODE: SOURCE at POINTER, column N: message", then snippet with caret and hint, each on lines of their own.
std::string to_string(const Diagnostic& diagnostic);

bool has_errors(const std::vector<Diagnostic>& diagnostics);

/// Throws Error with the first error's code and every error's text. Does nothing where there is none.
void throw_if_errors(const std::vector<Diagnostic>& diagnostics);

/// The candidate nearest to `word` by edit distance; empty where none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// At most `most` bytes of what a person wrote, `printable`, for a message; where it was cut, between characters, an
/// ellipsis follows.
std::string excerpt(std::string_view text, std::size_t most = 60);

/// `excerpt` in quotation marks.
std::string quote(std::string_view text);

/// What ended the reading of `source`. An error's message that begins with the source loses it: the diagnostic names
/// it.
Diagnostic to_diagnostic(const Error& error, const std::string& source);

}  // namespace sluice
