#pragma once
/// The columns of a request: the kind of each, how its text is parsed, and which model reads it.
///
/// A schema is immutable. Its digest covers everything that can change a decision.
/// Thread-safety: const calls are thread-safe.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/digest.h"

namespace sluice {

enum class Kind {
  number,    // cell: the value
  category,  // cell: index into `vocabulary`; vocabulary.size() for a word that is not in it
  id,        // cell: hash_id(text); models never read it as a number
  time,      // cell: seconds since 1970-01-01T00:00:00 UTC; models never read it
};

struct Column {
  std::string name;
  Kind kind = Kind::number;
  std::string unit;                        // "USD", "days"; empty for none. Rules reject mixed units
  std::string group;                       // reason group; empty for the column itself
  std::vector<std::string> missing_codes;  // texts that mean missing, in addition to "", NA, NaN, null
  std::vector<std::string> vocabulary;     // category only
  int monotone = 0;                        // sign that the forest must keep: -1, +1; 0 is off
  bool is_protected = false;               // in the row for slices and fairness; models never read it
  bool late = false;                       // read by the network only; fetched only for rows in the band
  double fetch_cost = 0;                   // cost of one fetch of a late column, in the unit of the cost file
};

enum class CellStatus { ok, missing, unseen_category, invalid };

inline constexpr std::size_t kMaxLateColumns = 32;  // that one decision can fetch

class Schema {
 public:
  Schema();
  /// Throws Error{schema.*}: no columns, empty or duplicate names, a vocabulary on a number, duplicate words, a column
  /// that is both late and protected.
  explicit Schema(std::vector<Column> columns);

  /// `source` is the file name for messages. Throws Error{schema.*} with every fault and its JSON pointer.
  static Schema from_json(std::string_view text, std::string_view source = "schema.json");
  std::string to_json() const;  // canonical: equal schemas give equal bytes

  const std::vector<Column>& columns() const;
  std::size_t size() const { return columns().size(); }
  const Column& operator[](std::size_t column) const { return columns()[column]; }

  std::optional<std::size_t> find(std::string_view name) const;
  /// Throws Error{schema.unknown_column}; the hint has the nearest name.
  std::size_t index_of(std::string_view name) const;

  /// Columns that the forest reads, in model order: number and category columns that are neither late nor protected.
  std::span<const std::size_t> forest_columns() const;
  /// Columns that the network reads: the forest's, then the late ones.
  std::span<const std::size_t> network_columns() const;
  std::span<const std::size_t> late_columns() const;

  /// Parses one cell of column `column`; surrounding blanks are ignored. Missing and invalid cells become NaN.
  CellStatus parse_cell(std::size_t column, std::string_view text, double& cell) const;
  /// The cell as text that parse_cell reads back to the same bits; "" for missing. An id cannot be restored and prints
  /// as "#hash".
  std::string format_cell(std::size_t column, double cell) const;

  Digest digest() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// 52 bits of a hash of the text, exact in a double. Ids are compared and grouped by it.
double hash_id(std::string_view text);

/// Seconds since 1970-01-01T00:00:00 UTC of an ISO 8601 date or date-time ("2018-04-01", "2018-04-01 13:05:59",
/// "…T13:05:59.25Z", "…+02:00"; no zone means UTC), or of a plain number of seconds. nullopt for any other text.
std::optional<double> parse_time(std::string_view text);
std::string format_time(double seconds);  // "2018-04-01T13:05:59Z"

/// "", NA, NaN, nan, null; surrounding blanks are ignored.
bool is_missing_text(std::string_view text);

/// The whole of `text` as a number (fixed, scientific, inf); nullopt if it is not one.
std::optional<double> parse_number(std::string_view text);

const char* to_string(Kind kind);

}  // namespace sluice
