#include "sluice/cli/csv_text.h"

#include "sluice/io/csv.h"

namespace sluice::cli {
namespace {

bool is_formula(std::string_view text) {
  const auto start = text.find_first_not_of(" \"'");
  if (start == text.npos) return false;
  text.remove_prefix(start);
  for (const std::string_view begin : {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"})
    if (text.starts_with(begin)) return true;
  return false;
}

}  // namespace

void append_csv_text(std::string& out, std::string_view text, bool safe) {
  if (!safe || !is_formula(text)) return io::append_csv_field(out, text);
  io::append_csv_field(out, "'" + std::string(text));
}

void add_spreadsheet_safe(Options& options, bool& value) {
  options.flag("--spreadsheet-safe", value,
               "put an apostrophe before texts that a spreadsheet would run as formulas (CSV)");
}

}  // namespace sluice::cli
