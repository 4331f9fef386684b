#pragma once
/// What became of decisions, by id.

#include <cstddef>
#include <string>
#include <unordered_map>

namespace sluice::audit {

struct OutcomeLabel {
  bool is_bad = false;
  double amount = 1;
};

/// Held in memory whole. Immutable after `read`; safe to share between threads.
class OutcomeLabels {
 public:
  struct Columns {
    std::string id, label;
    std::string amount{};  // empty: none, and every amount is 1
  };

  /// From CSV or Arrow IPC ("-" for standard input). Rows whose label is missing are left out. A label is 1/0,
  /// true/false or yes/no in any case, 1 being bad; an amount is a number from 0 on.
  /// Throws Error{labels.missing_column, labels.label, labels.amount, labels.duplicate} and what the reader throws,
  /// naming file, line and column.
  static OutcomeLabels read(const std::string& path, const Columns& columns);

  const OutcomeLabel* find(const std::string& id) const;  // null for none, and for a decision without an id
  std::size_t size() const { return labels_.size(); }
  double bad_rate() const;  // 0 without labels
  /// sqrt(sum of a^3 / sum of a): the amount itself where all are equal, far above the mean where few are large; 0
  /// without labels.
  double large_amount() const;
  bool has_amounts() const { return has_amounts_; }

 private:
  std::unordered_map<std::string, OutcomeLabel> labels_;
  bool has_amounts_ = false;
  double amounts_ = 0, cubed_amounts_ = 0;
};

}  // namespace sluice::audit
