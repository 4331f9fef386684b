#pragma once
/// What a person sees on stderr, and Ctrl-C.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/progress.h"

namespace sluice::cli {

/// From now on Ctrl-C and SIGTERM make every Progress of make_progress say stop.
void watch_interrupts();
bool was_interrupted();

/// A bar with rate and time left on a terminal, a line every few seconds elsewhere, nothing where `quiet`. Says stop
/// after Ctrl-C.
Progress make_progress(bool quiet);
/// Ends the bar's line.
void end_progress();

/// A whole line on stderr; the bar is drawn anew below it.
void note(std::string_view text);
void warn(std::string_view text);
void print_error(const Error& error);

/// A table for people: columns padded, the first left-aligned, the others right-aligned.
std::string format_table(const std::vector<std::vector<std::string>>& rows);
/// `value` with so many decimals.
std::string fixed(double value, int decimals);

}  // namespace sluice::cli
