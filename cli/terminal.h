#pragma once
/// Progress and messages on stderr, text tables, and Ctrl-C.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/progress.h"

namespace sluice::cli {

/// From now on every Progress of make_progress requests a stop after Ctrl-C, SIGTERM or SIGHUP. A system call that
/// waits returns, and a second signal of the same kind ends the process at once.
void watch_interrupts();
bool was_interrupted();

/// Draws a bar with rate and remaining time on a terminal, writes a line every few seconds elsewhere, nothing if
/// `quiet`. Requests a stop after Ctrl-C.
Progress make_progress(bool quiet);
/// Clears the bar's line.
void end_progress();

/// Writes a line to stderr; the bar is redrawn below it.
void note(std::string_view text);
void warn(std::string_view text);
void print_error(const Error& error);

/// Formats a text table: columns padded, the first left-aligned, the others right-aligned.
std::string format_table(const std::vector<std::vector<std::string>>& rows);
/// `value` with this number of decimals; "-" if NaN.
std::string fixed(double value, int decimals);

}  // namespace sluice::cli
