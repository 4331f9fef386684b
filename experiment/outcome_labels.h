#pragma once
/// The outcomes (labels) of decisions, by id.
/// Thread-safety: immutable after `read`; const calls are thread-safe.

#include <cstddef>
#include <string>
#include <unordered_map>

#include "sluice/base/progress.h"

namespace sluice::experiment {

struct OutcomeLabel {
  bool is_bad = false;
  double amount = 1;
};

/// All labels are in memory.
class OutcomeLabels {
 public:
  struct Columns {
    std::string id, label;
    std::string amount{};  // empty: no amounts; each counts as 1
  };

  /// Reads CSV or Arrow IPC ("-" for standard input). Rows without a label are skipped. A label is 1/0, true/false or
  /// yes/no in any letter case; 1, true and yes are bad. An amount is a number of 0 or more.
  /// Throws Error{labels.missing_column, labels.label, labels.amount, labels.duplicate} and what the reader throws,
  /// naming file, line and column. While a pipe has nothing to read, `progress` may stop the wait.
  static OutcomeLabels read(const std::string& path, const Columns& columns, const Progress& progress = {});

  const OutcomeLabel* find(const std::string& id) const;  // null if there is no label, or `id` is empty
  std::size_t size() const { return labels_.size(); }
  double bad_rate() const;  // 0 if there are no labels
  /// sqrt(sum of a^3 / sum of a) over the amounts a: the amount itself if all are equal, far above the mean if few are
  /// large; 0 if there are no labels.
  double large_amount() const;
  bool has_amounts() const { return has_amounts_; }

 private:
  std::unordered_map<std::string, OutcomeLabel> labels_;
  bool has_amounts_ = false;
  double amounts_ = 0, cubed_amounts_ = 0;
};

}  // namespace sluice::experiment
