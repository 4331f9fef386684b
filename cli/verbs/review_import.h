#pragma once
/// Reads a table of reviews.

#include <string>
#include <vector>

#include "sluice/audit/review.h"

namespace sluice::cli {

/// Columns: `index` or `id` of the decision, `by`, `action`, `why`; optional: `note` and `time` (ISO 8601 or seconds
/// since 1970; default: `now_us`). Others are ignored. Throws Error{review.*} naming the line with a missing or invalid
/// value, a decision that is not in the log, or an id that several decisions have.
std::vector<audit::Review> read_review_table(const std::string& path, const std::string& log, std::int64_t now_us);

}  // namespace sluice::cli
