#pragma once
/// Names the slice of a row by the text of one column: a period of time, an interval of numbers, or the text itself.
/// Not installed.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/backtest/runner.h"

namespace sluice::backtest {

inline constexpr std::size_t kLearningRows = 10'000;

class Slicer {
 public:
  static Slicer by_time(std::string column, Period period);

  /// By number if every text of `first_rows` that is not missing is a number and more than twelve are distinct: five
  /// intervals between their quintiles. By text otherwise, and if the schema's `kind` of the column is not number.
  static Slicer by_values(std::string column, std::optional<Kind> kind, std::span<const std::string> first_rows);

  /// The slice of a row. Throws Error{backtest.time} naming the row if its text is not a time.
  std::string name(std::string_view text, std::uint64_t row) const;

  const std::string& column() const { return column_; }
  std::string kind() const;  // as SliceTable::kind
  const std::vector<double>& edges() const { return edges_; }
  std::vector<std::string> interval_names() const;  // in ascending order; empty unless by number

 private:
  std::string interval_name(std::size_t interval) const;

  std::string column_;
  std::optional<Period> period_;
  std::vector<double> edges_;
};

}  // namespace sluice::backtest
