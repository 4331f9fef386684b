#pragma once
/// An explanation as JSON for programs (docs/explain_report.schema.json) and as HTML for people. The same explanation
/// gives the same bytes.
/// Thread-safety: the functions are thread-safe.

#include <cstdint>
#include <string>

#include "sluice/explain/explainer.h"

namespace sluice::explain {

struct ReportContext {
  std::string id;         // the request's; may be empty
  std::uint64_t row = 0;  // counted from 0
};

/// One JSON object, followed by a newline.
std::string report_json(const Explainer& explainer, const Explanation& explanation, const ReportContext& context);

/// One static page of at most 60 KB, without scripts or external resources. All text is escaped. The figure shows the
/// largest columns and the sum of the rest.
std::string report_html(const Explainer& explainer, const Explanation& explanation, const ReportContext& context);

}  // namespace sluice::explain
