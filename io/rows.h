#pragma once
/// Records bound to a schema: blocks of raw rows with labels, ids and slice texts.
/// Thread-safety: a reader must be used by one thread at a time; functions are thread-safe.

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
  // Text that means 1; empty: 1/0, true/false, yes/no (any case) or the numbers 1 and 0.
  std::string positive;
  std::string id_column;                   // its text is stored in RowBlock::ids; empty: none
  std::vector<std::string> extra_columns;  // their texts are stored in RowBlock::extras, in this order
  ThreadPool* pool = nullptr;              // parses lines of CSV in parallel; it must outlive the reader
  // If true, a late column that the data lacks reads as NaN, with a warning; otherwise it is an error.
  bool late_may_be_absent = true;
};

struct RowBlock {
  Table rows;                                    // [n, schema.size()], cells as Schema::parse_cell returns them
  std::vector<float> labels;                     // n values, 0 or 1; empty without a label column
  std::vector<std::string> ids;                  // n; empty without an id column
  std::vector<std::vector<std::string>> extras;  // [extra_columns, n]
  std::uint64_t first_row = 0;                   // number of the first row, counted from 0 over the whole source
};

/// 0 or 1 for a label's text: 1/0, true/false, yes/no (any case) or the numbers 1 and 0; nullopt for any other text.
std::optional<float> plain_label(std::string_view text);

/// Reads rows block by block.
class RowReader {
 public:
  /// Binds columns by name. Protected, time and id columns that the data lacks read as NaN, with a warning, because no
  /// model reads them. Throws Error{rows.missing_column} with every required column that is absent; the hint has the
  /// nearest names.
  RowReader(std::unique_ptr<RecordReader> records, Schema schema, RowReaderOptions options = {});
  ~RowReader();

  /// Refills `block` with up to `max_rows` rows and keeps its memory. Returns false, with an empty block, at the end.
  /// Throws what the record reader throws, and Error{rows.not_a_number|rows.label|rows.label_missing} with file, line,
  /// column and text.
  bool next(RowBlock& block, std::size_t max_rows = 4096);

  /// So far: ignored columns, absent columns, and categories not in the training data (count and first text by column).
  const std::vector<std::string>& warnings() const;

  const Schema& schema() const;
  std::uint64_t rows_read() const;
  std::uint64_t bytes_read() const;  // as in RecordReader
  std::uint64_t bytes_total() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::io
