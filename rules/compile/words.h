#pragma once
// Functions of texts. A row contains a word's code, not its text. Each function is therefore evaluated once per word of
// the vocabulary when a rule is compiled, and a row then costs one look-up.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/rules/compile/type.h"
#include "sluice/rules/eval/op.h"

namespace sluice::rules {

/// The texts that values of `type` (category or words) can have, by code.
const std::vector<std::string>& texts_of(const Type& type);

/// Op::lower, Op::upper: for ASCII letters; other letters are unchanged.
std::vector<std::string> changed(Op op, const std::vector<std::string>& texts);

/// Op::starts_with, ends_with, contains, matches, equal: of each text and `argument`. A pattern for `matches` must be
/// valid; it may match anywhere in the text.
std::vector<bool> holds(Op op, const std::vector<std::string>& texts, const std::string& argument);

/// In characters of UTF-8.
std::vector<double> sizes(const std::vector<std::string>& texts);

/// Why `pattern` is not a regular expression of RE2 (https://github.com/google/re2/wiki/Syntax); empty if it is one.
std::string fault_of_pattern(const std::string& pattern);

}  // namespace sluice::rules
