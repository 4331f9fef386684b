#pragma once
/// Records bound to a schema: blocks of raw rows with labels, ids and slice texts.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/schema.h"
#include "sluice/base/thread_pool.h"
#include "sluice/io/record_reader.h"

namespace sluice::io {

struct RowReaderOptions {
  std::string label_column;  // empty: no labels
  std::string positive;   // the text that counts as 1; empty: 1/0, true/false, yes/no (any case) or the numbers 1 and 0
  std::string id_column;  // its text lands in RowBlock::ids; empty: none
  std::vector<std::string> extra_columns;  // their texts land in RowBlock::extras, in this order
  ThreadPool* pool = nullptr;              // shares out lines of CSV; it must outlive the reader
  bool late_may_be_absent = true;  // a late column that the data lacks reads as NaN, with a warning; otherwise an error
};

struct RowBlock {
  Table rows;                                    // [n, schema.size()], cells as Schema::parse_cell gives them
  std::vector<float> labels;                     // n times 0 or 1; empty without a label column
  std::vector<std::string> ids;                  // n; empty without an id column
  std::vector<std::vector<std::string>> extras;  // [extra_columns, n]
  std::uint64_t first_row = 0;                   // number of the first row here, counted from 0 over the whole source
};

/// 0 or 1 of a label's text: 1/0, true/false, yes/no (any case) or the numbers 1 and 0; nullopt for any other.
std::optional<float> plain_label(std::string_view text);

/// Not thread-safe.
class RowReader {
 public:
  /// Binds columns by name. Protected, time and id columns that the data lacks read as NaN, with a warning: no model
  /// needs them. Throws Error{rows.missing_column} naming every column that is needed and absent, with the nearest
  /// names as hint.
  RowReader(std::unique_ptr<RecordReader> records, Schema schema, RowReaderOptions options = {});
  ~RowReader();

  /// Refills `block` with up to `max_rows` rows (its memory is kept). False, with an empty block, at the end.
  /// Throws what the records throw, and Error{rows.not_a_number|rows.label|rows.label_missing} naming file, line,
  /// column and text.
  bool next(RowBlock& block, std::size_t max_rows = 4096);

  /// So far: columns ignored, columns absent, categories never seen in training (count and first text by column).
  const std::vector<std::string>& warnings() const;

  const Schema& schema() const;
  std::uint64_t rows_read() const;
  std::uint64_t bytes_read() const;  // as RecordReader's
  std::uint64_t bytes_total() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::io
