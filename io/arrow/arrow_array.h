#pragma once
/// One column of one record batch, and its cells as text. Not installed.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/io/arrow/arrow_metadata.h"

namespace sluice::io::arrow {

/// The values of a dictionary; null is "".
using Dictionary = std::vector<std::string>;

/// Returns a batch's buffers in order. Checks that every buffer is within the body and long enough.
class BatchCursor {
 public:
  BatchCursor(const Batch& batch, std::string_view body, const std::string& place)
      : batch_(batch), body_(body), place_(place) {}

  FieldNode node();
  /// At least `n_bytes` long, but may be absent (empty) if `may_be_absent`.
  std::string_view buffer(std::int64_t n_bytes, bool may_be_absent = false);
  /// Throws unless every column and buffer was used.
  void finish() const;
  const std::string& place() const { return place_; }
  [[noreturn]] void corrupt(const std::string& what) const;

 private:
  const Batch& batch_;
  std::string_view body_;
  const std::string& place_;
  std::size_t next_node_ = 0, next_buffer_ = 0;
};

/// Views into the batch's body; valid while it is.
class Array {
 public:
  /// Throws Error{arrow.corrupt}. `dictionary` belongs to a dictionary-encoded field; it must outlive the array.
  Array(const Field& field, BatchCursor& cursor, const Dictionary* dictionary);

  /// The cell's text. Numbers and times are appended to `scratch`, at most kMaxNumberBytes. Throws
  /// Error{arrow.corrupt}.
  std::string_view text(std::size_t row, std::string& scratch) const;

  static constexpr std::size_t kMaxNumberBytes = 96;

 private:
  bool is_null(std::size_t row) const;
  template <class T>
  T value(std::size_t row) const;
  std::int64_t integer(std::size_t row) const;
  std::int64_t offset(std::size_t i) const;
  void append_number_cell(std::size_t row, std::string& out) const;
  void append_time(std::size_t row, std::string& out) const;
  [[noreturn]] void corrupt_cell(std::size_t row, const char* what) const;

  const Field* field_;
  const Dictionary* dictionary_;
  std::string_view validity_, offsets_, data_;
  std::string place_;
};

}  // namespace sluice::io::arrow
