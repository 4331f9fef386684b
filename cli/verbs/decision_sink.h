#pragma once
/// Output of `score`: .csv, .jsonl or .arrow, by the file's extension.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sluice/cascade/record.h"

namespace sluice::cli {

class DecisionSink {
 public:
  virtual ~DecisionSink() = default;
  virtual void add(const cascade::Decision& decision, const cascade::RecordContext& context) = 0;
  /// Completes the file under its name. Without this call no file remains.
  virtual void finish() = 0;
};

/// `is_spreadsheet_safe`: append_csv_text, for CSV. Throws Error{score.format} for another extension, and
/// Error{file.write}.
std::unique_ptr<DecisionSink> open_sink(const std::string& path, const cascade::Bundle& bundle,
                                        bool is_spreadsheet_safe);

}  // namespace sluice::cli
