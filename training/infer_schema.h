#pragma once
/// Learns a schema from a table's texts, in one pass and bounded memory.
///
/// A column is a number where every text that is not missing is one, a time where every one is an ISO date, otherwise a
/// category. What no model could use is left out, and said: constant and all-missing columns, and texts that are nearly
/// all different. A column of ascending whole numbers, all different, is a row number in disguise and becomes an id.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/progress.h"
#include "sluice/base/schema.h"

namespace sluice::training {

struct InferOptions {
  std::string label;                      // becomes no column
  std::string id;                         // names the identifier; empty: none
  std::string time;                       // names the time column; empty: none
  std::vector<std::string> drop;          // left out
  std::vector<std::string> late;          // only the network sees them
  std::vector<std::string> is_protected;  // kept for slices, seen by no model
};

struct InferredSchema {
  Schema schema;
  std::vector<std::string> warnings;
};

/// Throws what the records throw, and Error{schema.*}: a named column that is not there (schema.unknown_column, the
/// nearest as hint), a few texts in a column of numbers (schema.text_in_number: file, line and column), no usable
/// column (schema.empty), no rows (data.no_rows).
InferredSchema infer_schema(const std::string& path, const InferOptions& options, const Progress& progress = {});

}  // namespace sluice::training
