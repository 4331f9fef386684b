#pragma once
/// Plain lines to rows: the fast path of RowReader, shared between threads. Not installed.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/schema.h"
#include "sluice/base/thread_pool.h"
#include "sluice/io/record_reader.h"
#include "sluice/io/rows.h"

namespace sluice::io {

/// Where a field of the record is stored.
struct FieldUse {
  static constexpr std::uint32_t kNowhere = 0xffffffff;
  std::uint32_t column = kNowhere;  // in the schema
  bool is_plain_number = false;     // a number without missing codes
  bool is_label = false, is_id = false;
  std::uint32_t extra = kNowhere;
};

/// A category that is not in the training vocabulary.
struct UnseenCell {
  std::uint32_t column;
  std::string text;
  std::uint64_t line;
};

class PlainRows {
 public:
  using ReadLabel = std::function<float(std::string_view)>;  // throws Error

  PlainRows(const Schema& schema, std::vector<FieldUse> fields, ReadLabel read_label, ThreadPool* pool)
      : schema_(schema), fields_(std::move(fields)), read_label_(std::move(read_label)), pool_(pool) {}

  /// What `read` consumed from the front of the lines.
  struct Taken {
    std::size_t n_bytes = 0;
    std::uint64_t n_lines = 0, n_rows = 0;
    std::vector<UnseenCell> unseen;  // in line order
  };

  /// Appends up to `max_rows` rows to `block`. Consumes nothing if any of these lines is faulty: the slow path reports
  /// the fault.
  Taken read(const PlainLines& lines, std::size_t max_rows, RowBlock& block);

 private:
  struct Line {
    const char* begin;
    const char* end;  // its LF, or the CR before it
    std::uint64_t number;
  };

  Taken find_lines(const PlainLines& lines, std::size_t max_rows);
  bool read_line(const Line& line, char delimiter, std::size_t row, RowBlock& block,
                 std::vector<UnseenCell>& unseen) const;
  bool read_field(const FieldUse& use, std::string_view text, const Line& line, std::size_t row, RowBlock& block,
                  std::vector<UnseenCell>& unseen) const;

  const Schema& schema_;
  std::vector<FieldUse> fields_;
  ReadLabel read_label_;
  ThreadPool* pool_;
  std::vector<Line> lines_;
};

}  // namespace sluice::io
