#pragma once
/// An explanation for programs (docs/explain_report.schema.json) and for people. Thread-safe. The same explanation
/// gives the same bytes.

#include <cstdint>
#include <string>

#include "sluice/explain/explainer.h"

namespace sluice::explain {

struct ReportContext {
  std::string id;         // the request's; may be empty
  std::uint64_t row = 0;  // counted from 0
};

/// One JSON object, with a newline behind it.
std::string report_json(const Explainer& explainer, const Explanation& explanation, const ReportContext& context);

/// One static page of at most 60 KB: no script, nothing loaded from elsewhere. All text is escaped; columns beyond the
/// largest are summed up.
std::string report_html(const Explainer& explainer, const Explanation& explanation, const ReportContext& context);

}  // namespace sluice::explain
