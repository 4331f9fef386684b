#pragma once
/// The record of one decision as JSON: the action, how it was made, and enough to explain and to repeat it
/// (docs/record_format.md).
///
/// Thread-safety: the functions only write to `out`; calls with different `out` are thread-safe.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/batch.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/decision.h"

namespace sluice::cascade {

/// One reason for a decision, from a rule or from an attribution.
struct Reason {
  std::string code;     // from the reason catalogue or the rule
  std::string feature;  // empty for a rule's reason
  double phi = 0;       // margin units; 0 for a rule's reason
};

struct RecordContext {
  std::string_view id;              // the request's; may be empty
  std::uint64_t row = 0;            // counted from 0
  RowView inputs;                   // raw row in schema order; empty: the record has no inputs
  std::span<const Reason> reasons;  // from an attribution; append_record adds those of the rules
};

/// Appends one line of JSON without its newline. Numbers have the shortest text that reads back to the same bits.
void append_record(std::string& out, const Bundle& bundle, const Decision& decision, const RecordContext& context);

/// "forest>network": the stages that had a part in the action, in order.
void append_path(std::string& out, const Decision& decision);

/// The reason codes of the rules that decided, then `reasons`, joined by '|'.
void append_reason_codes(std::string& out, const Bundle& bundle, const Decision& decision,
                         std::span<const Reason> reasons);

}  // namespace sluice::cascade
