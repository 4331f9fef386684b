#pragma once
/// Infers a schema from a table's texts, in one pass and bounded memory.
///
/// A column is a number if every text that is not missing is one, a time if every one is an ISO date, otherwise a
/// category. Columns that no model can use are left out with a warning: constant and all-missing columns, and texts
/// that are almost all different. A column of strictly ascending whole numbers is a row number and becomes an id.
/// Thread-safety: calls are independent.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/progress.h"
#include "sluice/base/schema.h"

namespace sluice::training {

struct InferOptions {
  std::string label;                      // not a column of the schema
  std::string id;                         // the identifier; empty: none
  std::string time;                       // the time column; empty: none
  std::vector<std::string> drop;          // left out
  std::vector<std::string> late;          // fetched only for forwarded rows
  std::vector<std::string> is_protected;  // kept for slices, read by no model
};

struct InferredSchema {
  Schema schema;
  std::vector<std::string> warnings;
};

/// Throws what io::open_records throws, and Error{...}: schema.unknown_column for an option that names an absent column
/// (with the nearest as hint), schema.text_in_number for a few texts in a column of numbers (with file, line and
/// column), schema.empty for no usable column, data.no_rows for no rows.
InferredSchema infer_schema(const std::string& path, const InferOptions& options, const Progress& progress = {});

}  // namespace sluice::training
