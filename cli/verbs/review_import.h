#pragma once
/// Many reviews from a table.

#include <string>
#include <vector>

#include "sluice/audit/review.h"

namespace sluice::cli {

/// Columns: `index` or `id` names the decision; `by`, `action`, `why`; where they are there, `note` and `time` (ISO
/// 8601 or seconds since 1970; `now_us` without it). Others are ignored. Throws Error{review.*} naming the line that is
/// wrong: what is missing or unknown, a decision that is not in the log, or an id of several.
std::vector<audit::Review> read_review_table(const std::string& path, const std::string& log, std::int64_t now_us);

}  // namespace sluice::cli
