#pragma once
/// Reason codes: what of an attribution is told to the person decided about.
///
/// Adverse contributions alone (phi > 0 raises the risk), grouped by Column::group, the largest first, at most four
/// (Regulation B commentary 1002.9(b)(2): more are unlikely to help). A missing value leaves its group and has a code
/// of its own. Values closer than 1e-9 are a tie: they stand in column order and say so. Nothing is left out for its
/// kind. Pure functions; the catalogue is immutable.

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
  std::string text;  // for people; the name itself where the catalogue has none
};

class ReasonCatalogue {
 public:
  /// No entries: codes are names in upper snake case, with _MISSING behind them for missing values.
  ReasonCatalogue() = default;

  /// {"amount": {"code": "R07", "text": "Amount is high", "missing_code": "R08", "missing_text": "Amount was not
  /// given"}}: names of columns or groups; all fields but `code` may be absent. Throws Error{reasons.*} with every
  /// fault, each with its JSON pointer.
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
  bool is_tied = false;  // with the one before or behind it, also where that one was cut off
};

/// `row` is the one that was explained. Empty where nothing raised the risk.
std::vector<RankedReason> adverse_reasons(const Attribution& attribution, RowView row, const Schema& schema,
                                          const ReasonCatalogue& catalogue, std::size_t limit = kMaxReasons);

/// As records hold them.
std::vector<cascade::Reason> record_reasons(const std::vector<RankedReason>& reasons);

}  // namespace sluice::explain
