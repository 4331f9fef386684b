#include "sluice/io/arrow/arrow_array.h"

#include <array>
#include <charconv>
#include <cstring>

#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/base/schema.h"
#include "sluice/base/utf8.h"

namespace sluice::io::arrow {
namespace {

bool is_text(Type type) { return type == Type::utf8 || type == Type::large_utf8; }

int bits_of(const Field& field) {
  if (field.dictionary || field.type == Type::integer || field.type == Type::floating) return field.bit_width;
  if (field.type == Type::boolean) return 1;
  return field.type == Type::date && field.unit == 0 ? 32 : 64;
}

}  // namespace

void BatchCursor::corrupt(const std::string& what) const {
  throw Error("arrow.corrupt", place_ + ": " + what, "write the file again with a working Arrow library");
}

FieldNode BatchCursor::node() {
  if (next_node_ == batch_.nodes.size()) corrupt("the record batch has too few columns");
  // Keeps the sums below from overflowing.
  constexpr std::int64_t kMaxRows = 0x7fffffff;
  const FieldNode node = batch_.nodes[next_node_++];
  if (node.length < 0 || node.length > kMaxRows) corrupt("the number of rows is out of range");
  if (node.length != batch_.n_rows || node.null_count < 0 || node.null_count > node.length)
    corrupt("a column's length differs from the record batch's");
  return node;
}

std::string_view BatchCursor::buffer(std::int64_t n_bytes, bool may_be_absent) {
  if (next_buffer_ == batch_.buffers.size()) corrupt("the record batch has too few buffers");
  const Buffer buffer = batch_.buffers[next_buffer_++];
  const auto size = static_cast<std::int64_t>(body_.size());
  if (buffer.offset < 0 || buffer.length < 0 || buffer.offset > size || buffer.length > size - buffer.offset)
    corrupt("a buffer is outside the record batch");
  if (buffer.length < n_bytes && !(may_be_absent && buffer.length == 0))
    corrupt("a buffer is too short for its column");
  return body_.substr(static_cast<std::size_t>(buffer.offset), static_cast<std::size_t>(buffer.length));
}

void BatchCursor::finish() const {
  if (next_node_ != batch_.nodes.size() || next_buffer_ != batch_.buffers.size())
    corrupt("the record batch has more columns than the schema");
}

Array::Array(const Field& field, BatchCursor& cursor, const Dictionary* dictionary)
    : field_(&field), dictionary_(dictionary), place_(cursor.place()) {
  const FieldNode node = cursor.node();
  if (field.type == Type::null) return;
  validity_ = cursor.buffer((node.length + 7) / 8, node.null_count == 0);
  if (field.dictionary || !is_text(field.type)) {
    data_ = cursor.buffer((node.length * bits_of(field) + 7) / 8);
    return;
  }
  offsets_ = cursor.buffer(node.length > 0 ? (node.length + 1) * (field.type == Type::utf8 ? 4 : 8) : 0);
  data_ = cursor.buffer(0);
  if (node.length == 0) return;
  std::int64_t last = 0;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(node.length); ++i) {
    const std::int64_t next = offset(i);
    if (next < last) cursor.corrupt("the text offsets of the column \"" + field.name + "\" are not ascending");
    last = next;
  }
  if (last > static_cast<std::int64_t>(data_.size()))
    cursor.corrupt("a text of the column \"" + field.name + "\" is outside its buffer");
}

bool Array::is_null(std::size_t row) const {
  return field_->type == Type::null || (!validity_.empty() && !(validity_[row / 8] >> (row % 8) & 1));
}

template <class T>
T Array::value(std::size_t row) const {
  T value;
  std::memcpy(&value, data_.data() + row * sizeof(T), sizeof(T));
  return value;
}

std::int64_t Array::offset(std::size_t i) const {
  if (field_->type == Type::utf8) {
    std::int32_t value;
    std::memcpy(&value, offsets_.data() + i * sizeof value, sizeof value);
    return value;
  }
  std::int64_t value;
  std::memcpy(&value, offsets_.data() + i * sizeof value, sizeof value);
  return value;
}

/// uint64 cells keep their bits.
std::int64_t Array::integer(std::size_t row) const {
  switch (bits_of(*field_)) {
    case 8:
      return field_->is_signed ? value<std::int8_t>(row) : value<std::uint8_t>(row);
    case 16:
      return field_->is_signed ? value<std::int16_t>(row) : value<std::uint16_t>(row);
    case 32:
      return field_->is_signed || field_->type == Type::date ? std::int64_t{value<std::int32_t>(row)}
                                                             : std::int64_t{value<std::uint32_t>(row)};
    default:
      return value<std::int64_t>(row);
  }
}

void Array::append_time(std::size_t row, std::string& out) const {
  constexpr std::array<std::int64_t, 4> kPerSecond = {1, 1'000, 1'000'000, 1'000'000'000};
  const auto unit = static_cast<std::size_t>(field_->unit);
  const bool is_date = field_->type == Type::date, is_in_days = is_date && unit == 0;
  const std::int64_t count = integer(row), per_second = kPerSecond[unit];
  const std::int64_t seconds = is_in_days ? count * 86'400 : count / per_second - (count % per_second < 0);
  const std::int64_t fraction = is_in_days ? 0 : (count % per_second + per_second) % per_second;
  std::string time = format_time(static_cast<double>(seconds));
  if (fraction > 0) {
    const std::string digits = std::to_string(fraction);
    // Replaces the Z.
    time.back() = '.';
    time.append(3 * unit - digits.size(), '0').append(digits) += 'Z';
  }
  const bool is_midnight = fraction == 0 && seconds % 86'400 == 0;
  out.append(time, 0, is_date && is_midnight ? time.find('T') : std::string::npos);
}

void Array::append_number_cell(std::size_t row, std::string& out) const {
  if (field_->type == Type::floating)
    return field_->bit_width == 64 ? append_number(out, value<double>(row)) : append_number(out, value<float>(row));
  char text[24];
  const std::int64_t number = integer(row);
  const bool is_unsigned64 = !field_->is_signed && field_->bit_width == 64;
  out.append(text, is_unsigned64 ? std::to_chars(text, text + sizeof text, static_cast<std::uint64_t>(number)).ptr
                                 : std::to_chars(text, text + sizeof text, number).ptr);
}

void Array::corrupt_cell(std::size_t row, const char* what) const {
  throw Error("arrow.corrupt",
              place_ + ", its row " + std::to_string(row) + ", column \"" + field_->name + "\": " + what,
              "write the file again");
}

std::string_view Array::text(std::size_t row, std::string& scratch) const {
  if (is_null(row)) return {};
  if (dictionary_) {
    const std::int64_t index = integer(row);
    if (index < 0 || static_cast<std::uint64_t>(index) >= dictionary_->size())
      corrupt_cell(row, "the dictionary has no such entry");
    return (*dictionary_)[static_cast<std::size_t>(index)];
  }
  if (is_text(field_->type)) {
    const auto begin = static_cast<std::size_t>(offset(row)), end = static_cast<std::size_t>(offset(row + 1));
    const std::string_view text = data_.substr(begin, end - begin);
    if (!is_plain_ascii(text) && (text.find('\0') != std::string_view::npos || !is_utf8(text)))
      corrupt_cell(row, "the text is not valid UTF-8");
    return text;
  }
  if (field_->type == Type::boolean) return data_[row / 8] >> (row % 8) & 1 ? "true" : "false";
  const std::size_t begin = scratch.size();
  if (field_->type == Type::date || field_->type == Type::timestamp)
    append_time(row, scratch);
  else
    append_number_cell(row, scratch);
  return std::string_view(scratch).substr(begin);
}

}  // namespace sluice::io::arrow
