#pragma once
/// Background rows of explanations as a bundle stores them: an Arrow IPC stream with one float64 column per schema
/// column, under its name. Missing cells are null.
///
/// Thread-safety: the functions are pure.

#include <string>
#include <string_view>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"

namespace sluice::cascade {

/// `rows` in schema order. The same rows give the same bytes.
std::string write_background(RowsView rows, const Schema& schema);

/// Returns the rows in schema order, NaN for missing cells; columns that the schema does not have are ignored. Throws
/// Error{background.*, arrow.*} naming `source` if a column is missing, a cell is not a number or there are no rows.
Table read_background(std::string_view bytes, const Schema& schema, std::string_view source);

}  // namespace sluice::cascade
