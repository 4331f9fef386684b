#pragma once
/// Reason codes: the part of an attribution that is reported to the person whom the decision concerns.
///
/// Only adverse contributions (phi > 0 raises the risk), summed by Column::group, the largest first, at most four
/// (Regulation B commentary 1002.9(b)(2): more are unlikely to help). A missing value is not counted in its group but
/// gets a separate code. Values that are equal in steps of 1e-9 are ties: they are in column order and marked as tied.
/// No kind of column is excluded.
/// Thread-safety: the functions are pure; the catalogue is immutable.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/cascade/record.h"
#include "sluice/explain/attribution.h"

namespace sluice::explain {

inline constexpr std::size_t kMaxReasons = 4;

struct ReasonText {
  std::string code;  // "AMOUNT"
  std::string text;  // for people; the name itself if the catalogue has none
};

class ReasonCatalogue {
 public:
  /// Without entries, codes are names in upper snake case, with the suffix _MISSING for missing values.
  ReasonCatalogue() = default;

  /// {"amount": {"code": "R07", "text": "Amount is high", "missing_code": "R08", "missing_text": "Amount was not
  /// given"}}. The keys are names of columns or groups; only `code` is required. Throws Error{reasons.*} that lists all
  /// faults, each with its JSON pointer.
  static ReasonCatalogue from_json(std::string_view json, std::string_view source, const Schema& schema);

  ReasonText find(const std::string& name, bool is_missing) const;

 private:
  struct Entry {
    ReasonText present, missing;
  };
  std::map<std::string, Entry> entries_;
};

struct RankedReason {
  cascade::Reason reason;  // `feature` is the group's name, or the column's; `phi` the sum over `columns`
  std::string text;
  std::vector<std::size_t> columns;  // of the schema
  bool is_missing = false;
  bool is_tied = false;  // with the reason before or after it, even if that one was cut off
};

/// At most `limit` reasons, the largest first; empty if no column raised the risk. `row` is Explanation::row.
std::vector<RankedReason> adverse_reasons(const Attribution& attribution, RowView row, const Schema& schema,
                                          const ReasonCatalogue& catalogue, std::size_t limit = kMaxReasons);

/// In the form in which records contain them.
std::vector<cascade::Reason> record_reasons(const std::vector<RankedReason>& reasons);

}  // namespace sluice::explain
