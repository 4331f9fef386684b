#pragma once
/// Text cells of CSV that people open in a spreadsheet.

#include <string>
#include <string_view>

#include "sluice/cli/options.h"

namespace sluice::cli {

/// Appends a text cell (io::append_csv_field). If `safe`, a text that a spreadsheet would run as a formula gets an
/// apostrophe before it: one that begins with = + - @, a tab or a line end, or their full-width forms, after any blanks
/// and quotation marks (OWASP, "CSV Injection").
void append_csv_text(std::string& out, std::string_view text, bool safe);

/// The flag --spreadsheet-safe.
void add_spreadsheet_safe(Options& options, bool& value);

}  // namespace sluice::cli
