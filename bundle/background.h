#pragma once
/// Background rows of explanations as a bundle's file: an Arrow IPC stream of float64 columns named as the schema's,
/// missing cells null.

#include <string>
#include <string_view>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"

namespace sluice::cascade {

/// Same rows, same bytes.
std::string write_background(RowsView rows, const Schema& schema);

/// Rows in schema order. Throws Error{background.*, arrow.*} naming `source`, where a column is missing or there is no
/// row.
Table read_background(std::string_view bytes, const Schema& schema, std::string_view source);

}  // namespace sluice::cascade
